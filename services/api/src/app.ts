import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HealthChecks, Logger } from '@cimd/runtime'
import swagger from '@fastify/swagger'
import { type FastifyBaseLogger, type FastifyInstance, fastify, type RawServerDefault } from 'fastify'
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { requestProblem } from './problem.ts'
import { problemOf, sendProblem } from './problem-response.ts'
import type { ResolveDeps } from './resolve-client.ts'
import { registerClientRoutes } from './routes/clients.ts'
import { registerEventRoutes } from './routes/events.ts'
import { registerHealthRoutes } from './routes/health.ts'

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

export type AppDeps = ResolveDeps & {
  readonly waitMsMax: number
  readonly checks: HealthChecks
  readonly isStopping: () => boolean
}

const BODY_BYTES_MAX = 32 * 1024

/** The HTTP application: routes, problems, and its own description at `/openapi.json`. */
export async function createApp(deps: AppDeps): Promise<App> {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, logger: false }).withTypeProvider<ZodTypeProvider>()
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
  registerEventRoutes(app, deps)
  return app
}

function logRequests(app: App, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request
    const fields = { method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }
    log.info({ event: 'request.answered', ...fields }, 'request answered')
  })
}
