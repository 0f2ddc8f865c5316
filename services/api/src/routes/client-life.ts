import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { describeChanges, describeClient, reportUse } from '../client-life.ts'
import {
  changesAnswer,
  changesQuery,
  clientAnswer,
  clientQuery,
  reported,
  reportRequest,
} from '../life-schemas.ts'
import { problems } from '../schemas.ts'

/** Routes about the life of a client: what is known of it, what changed, and what is built on it. */
export function registerClientLifeRoutes(app: App, deps: AppDeps): void {
  const client = { querystring: clientQuery, response: { 200: clientAnswer, ...problems } }
  app.get('/v1/client', { schema: client }, async (request) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: clientId, before, limit } = request.query
    return describeClient(deps, caller, { clientId, before, limit })
  })

  const changes = { querystring: changesQuery, response: { 200: changesAnswer, ...problems } }
  app.get('/v1/client/changes', { schema: changes }, async (request) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: clientId, since } = request.query
    return describeChanges(deps, caller, { clientId, since })
  })

  const reports = { body: reportRequest, response: { 200: reported, ...problems } }
  app.post('/v1/client/reports', { schema: reports }, async (request) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: clientId, lease_seconds: leaseSeconds, digest, kind, subject, ...told } = request.body
    const until = await reportUse(deps, caller, { clientId, digest, kind, leaseSeconds, subject, told })
    return { bound_until: until.toISOString() }
  })
}
