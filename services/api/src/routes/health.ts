import { answerHealth, type HealthChecks } from '@cimd/runtime'
import type { App } from '../app.ts'

/** `/health/live` and `/health/ready`, without a key. */
export function registerHealthRoutes(app: App, checks: HealthChecks, isStopping: () => boolean): void {
  for (const path of ['/health/live', '/health/ready']) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      const answer = await answerHealth(path, checks, isStopping)
      const { status = 404, body } = answer ?? {}
      // Anybody may ask here: hosts, ports and users in the errors stay in the log.
      const shown = body?.checks?.map(({ name, required, ok }) => ({ name, required, ok }))
      return reply.code(status).send({ ...body, ...(shown && { checks: shown }) })
    })
  }
}
