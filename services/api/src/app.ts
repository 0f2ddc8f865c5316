import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HealthChecks, Logger } from '@cimd/runtime'
import { type Db, noteKeyUse } from '@cimd/store'
import swagger from '@fastify/swagger'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  fastify,
  type RawServerDefault,
} from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import type { z } from 'zod'
import type { AuditAnswer } from './audit-answers.ts'
import { answerBrokenRequest } from './connection-problem.ts'
import type { ownTenant } from './key-schemas.ts'
import { createKeyUses, type NoteKeyUse } from './key-uses.ts'
import { requestProblem } from './problem.ts'
import { problemOf, sendProblem } from './problem-response.ts'
import type { TakePublicRefresh } from './refresh-budget.ts'
import type { ReputationDeps } from './reputation.ts'
import type { ResolveDeps } from './resolve-client.ts'
import { declareScope } from './route-scopes.ts'
import { registerAdvertiseRoute } from './routes/advertise.ts'
import { registerAuditRoutes } from './routes/audit.ts'
import { registerClientLifeRoutes } from './routes/client-life.ts'
import { registerClientRoutes } from './routes/clients.ts'
import { registerDeliveryRoutes } from './routes/deliveries.ts'
import { registerEventRoutes } from './routes/events.ts'
import { registerHealthRoutes } from './routes/health.ts'
import { registerKeyRoutes } from './routes/keys.ts'
import { registerLogoRoutes } from './routes/logos.ts'
import { registerOperatorRoutes } from './routes/operator.ts'
import { registerOwnerRoute } from './routes/owner.ts'
import { registerPolicyRoutes } from './routes/policy.ts'
import { registerPublisherRefresh } from './routes/publisher-refresh.ts'
import { registerRegistrationRoutes } from './routes/registrations.ts'
import { registerReviewedRoute } from './routes/reviewed.ts'
import { registerReviewRoutes } from './routes/reviews.ts'
import { registerSubjectRoutes } from './routes/subjects.ts'
import { registerSubscriptionRoutes } from './routes/subscriptions.ts'
import { registerTenantRoutes } from './routes/tenant.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

export type AppDeps = ResolveDeps &
  ReputationDeps & {
    readonly auditAnswer: AuditAnswer
    readonly waitMsMax: number
    /** The `source` of the events told: names the deployment. */
    readonly eventSource: string
    readonly eventStreamsPerTenantMax: number
    readonly subscriptionsPerTenantMax: number
    /** What the deployment allows each tenant beside its quotas, as it is told. */
    readonly tenantLimits: Omit<z.infer<typeof ownTenant>['limits'], 'clients'>
    /** In the role that sees every tenant; undefined: operators have the command line alone. */
    readonly operatorDb: Db | undefined
    /** Undefined: publishers cannot hasten a refresh here. */
    readonly takePublicRefresh: TakePublicRefresh | undefined
    readonly checks: HealthChecks
    readonly isStopping: () => boolean
  }

const BODY_BYTES_MAX = 32 * 1024
const BEARER = { type: 'http', scheme: 'bearer' } as const
const ABOUT =
  'Send a key as `Authorization: Bearer …`. `x-cimd-scope` of a route is the scope that the key needs; `any`: whichever.'

/** The HTTP application: routes, problems, and its own description at `/openapi.json`. */
export async function createApp(deps: AppDeps): Promise<App> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    logger: false,
    // What fails before a route is found, such as a path that is no UTF-8 or has too long a parameter.
    frameworkErrors: (error, _request, reply) => void sendProblem(reply as FastifyReply, problemOf(error)),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, requestProblem('not_found')))
  app.setErrorHandler((error: Error, _request, reply) => {
    const problem = problemOf(error)
    if (problem.status >= 500) deps.log.error({ event: 'request.failed', err: error }, 'a request failed')
    return sendProblem(reply, problem)
  })
  logRequests(app, deps.log)
  app.decorate('noteKeyUse', noteKeyUses(deps))
  app.addHook('onRoute', declareScope)
  // Or the connection of whoever is answered while we stop would stay open, idle, and hold up the stop.
  app.addHook('onSend', async (_request, reply) => {
    if (deps.isStopping()) reply.header('connection', 'close')
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'CIMD Registrar', version: '1', description: ABOUT },
      components: { securitySchemes: { key: BEARER, operatorKey: BEARER } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  registerHealthRoutes(app, deps.checks, deps.isStopping)
  registerClientRoutes(app, deps)
  registerKeyRoutes(app, deps)
  registerEventRoutes(app, deps)
  registerSubscriptionRoutes(app, deps)
  registerDeliveryRoutes(app, deps)
  registerLogoRoutes(app, deps)
  registerClientLifeRoutes(app, deps)
  registerOwnerRoute(app, deps)
  registerReviewedRoute(app, deps)
  registerSubjectRoutes(app, deps)
  registerAdvertiseRoute(app, deps)
  registerTenantRoutes(app, deps)
  if (deps.operatorDb) registerOperatorRoutes(app, { ...deps, operatorDb: deps.operatorDb })
  registerPolicyRoutes(app, deps)
  registerReviewRoutes(app, deps)
  registerRegistrationRoutes(app, deps)
  registerAuditRoutes(app, deps)
  if (deps.takePublicRefresh) registerPublisherRefresh(app, deps, deps.takePublicRefresh)
  return app
}

function noteKeyUses({ db, log }: Pick<AppDeps, 'db' | 'log'>): NoteKeyUse {
  return createKeyUses({
    note: (key) => noteKeyUse(db, key),
    monotonicMs: () => performance.now(),
    onError: (error) =>
      log.warn({ event: 'key_use.unnoted', err: error }, 'the use of a key could not be noted'),
  })
}

function logRequests(app: App, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request
    const fields = { method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }
    log.info({ event: 'request.answered', ...fields }, 'request answered')
  })
}
