import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HealthChecks, Logger } from '@cimd/runtime'
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
import { answerBrokenRequest } from './connection-problem.ts'
import { requestProblem } from './problem.ts'
import { problemOf, sendProblem } from './problem-response.ts'
import type { TakePublicRefresh } from './refresh-budget.ts'
import type { ResolveDeps } from './resolve-client.ts'
import { registerAdvertiseRoute } from './routes/advertise.ts'
import { registerClientLifeRoutes } from './routes/client-life.ts'
import { registerClientRoutes } from './routes/clients.ts'
import { registerDeliveryRoutes } from './routes/deliveries.ts'
import { registerEventRoutes } from './routes/events.ts'
import { registerHealthRoutes } from './routes/health.ts'
import { registerKeyRoutes } from './routes/keys.ts'
import { registerLogoRoutes } from './routes/logos.ts'
import { registerPublisherRefresh } from './routes/publisher-refresh.ts'
import { registerSubscriptionRoutes } from './routes/subscriptions.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

export type AppDeps = ResolveDeps & {
  readonly waitMsMax: number
  /** The `source` of the events told: names the deployment. */
  readonly eventSource: string
  readonly eventStreamsPerTenantMax: number
  readonly subscriptionsPerTenantMax: number
  /** Undefined: publishers cannot hasten a refresh here. */
  readonly takePublicRefresh: TakePublicRefresh | undefined
  readonly checks: HealthChecks
  readonly isStopping: () => boolean
}

const BODY_BYTES_MAX = 32 * 1024

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
  // Or the connection of whoever is answered while we stop would stay open, idle, and hold up the stop.
  app.addHook('onSend', async (_request, reply) => {
    if (deps.isStopping()) reply.header('connection', 'close')
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'CIMD Registrar', version: '1' },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
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
  registerAdvertiseRoute(app, deps)
  if (deps.takePublicRefresh) registerPublisherRefresh(app, deps, deps.takePublicRefresh)
  return app
}

function logRequests(app: App, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request
    const fields = { method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }
    log.info({ event: 'request.answered', ...fields }, 'request answered')
  })
}
