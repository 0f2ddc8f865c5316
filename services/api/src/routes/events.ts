import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { readEvents } from '../read-events.ts'
import { events, eventsQuery, problems } from '../schemas.ts'

/** The cursor feed of a tenant's events. */
export function registerEventRoutes(app: App, deps: AppDeps): void {
  const schema = { querystring: eventsQuery, response: { 200: events, ...problems } }
  app.get('/v1/events', { schema }, async (request) => {
    const { tenantId } = await requireCaller(deps.db, request, 'events')
    const { after, limit, wait_ms } = request.query
    const found = await readEvents(deps, tenantId, {
      after,
      limit,
      waitMs: Math.min(wait_ms, deps.waitMsMax),
    })
    return {
      events: found.map((event) => ({
        position: event.position,
        id: event.id,
        type: event.type,
        client_id: event.clientId,
        client_seq: event.clientSeq,
        time: event.occurredAt.toISOString(),
        data: event.data,
      })),
      next: found.at(-1)?.position ?? after,
    }
  })
}
