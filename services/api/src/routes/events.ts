import { finished, Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { createStreamPlaces, streamEvents } from '../event-stream.ts'
import { requestProblem } from '../problem.ts'
import { ProblemError } from '../problem-response.ts'
import { readEvents } from '../read-events.ts'
import { events, eventsHeaders, eventsQuery, problems } from '../schemas.ts'
import { toldEvent } from '../told-event.ts'

const EVENT_STREAM = 'text/event-stream'

const eventsAnswer = {
  description: `The events after the cursor; whoever accepts \`${EVENT_STREAM}\` is sent each as it comes, its cursor as its id.`,
  content: { 'application/json': { schema: events }, [EVENT_STREAM]: { schema: z.unknown() } },
}

/** The cursor feed of a tenant's events: by long poll, or as a stream to whoever accepts one. */
export function registerEventRoutes(app: App, deps: AppDeps): void {
  const places = createStreamPlaces(deps.eventStreamsPerTenantMax)
  const schema = {
    ...{ querystring: eventsQuery, headers: eventsHeaders },
    response: { 200: eventsAnswer, ...problems },
  }
  const takePlace = (tenantId: string) => {
    const leave = places.take(tenantId)
    if (leave === undefined) throw new ProblemError(requestProblem('event_streams_exhausted'))
    return leave
  }
  app.get('/v1/events', { schema }, async (request, reply) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const after = Number(request.headers['last-event-id'] ?? request.query.after)
    if (wantsStream(request))
      return sendStream(deps, request, reply, { tenantId, after, leave: takePlace(tenantId) })
    const { limit, wait_ms } = request.query
    const waitMs = Math.min(wait_ms, deps.waitMsMax)
    const found = await readEvents(deps, tenantId, { after, limit, waitMs })
    return {
      events: found.map((event) => toldEvent(event, deps.eventSource)),
      next: String(found.at(-1)?.position ?? after),
    }
  })
}

function wantsStream({ headers }: FastifyRequest): boolean {
  return (headers.accept ?? '').toLowerCase().includes(EVENT_STREAM)
}

function sendStream(
  deps: AppDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    tenantId,
    after,
    leave,
  }: { readonly tenantId: string; readonly after: number; readonly leave: () => void },
): FastifyReply {
  const requireLeave = () => requireCaller(deps.db, request)
  const stream = Readable.from(streamEvents({ ...deps, requireLeave }, tenantId, after))
  stream.on('error', (error) =>
    deps.log.warn({ event: 'event_stream.ended', err: error }, 'a stream of events was cut off'),
  )
  // Not the stream, which ends only when what it waits for comes; and also where the reader has gone already.
  finished(reply.raw, leave)
  // Its connection is of no use afterwards, and open it would hold up a stop.
  reply.headers({ 'content-type': EVENT_STREAM, connection: 'close' })
  reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  return reply.send(stream)
}
