import { answerHealth, type HealthChecks } from '@cimd/runtime'
import type { App } from '../app.ts'

/** `/health/live` and `/health/ready`, without a key. */
export function registerHealthRoutes(app: App, checks: HealthChecks, isStopping: () => boolean): void {
  for (const path of ['/health/live', '/health/ready']) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      const answer = await answerHealth(path, checks, isStopping)
      return reply.code(answer?.status ?? 404).send(answer?.body)
    })
  }
}
