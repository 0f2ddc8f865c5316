import { parseClientIdUrl } from '@cimd/core'
import {
  deleteRegistration,
  issueTicket,
  listRegistrations,
  putRegistration,
  type Registered,
  withTenant,
} from '@cimd/store'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import { actorOf, requireCaller } from '../authenticate.ts'
import { demandByForce } from '../demand-refresh.ts'
import { clientIdQuery, pageQuery, registrationRequest, registrations } from '../policy-schemas.ts'
import { identifierProblem, requestProblem } from '../problem.ts'
import { ProblemError, sendProblem } from '../problem-response.ts'
import { pending, problems } from '../schemas.ts'

const PATH = '/v1/registrations'

/** Clients that are registered before they come (POL-03, FET-27). */
export function registerRegistrationRoutes(app: App, deps: AppDeps): void {
  registerPut(app, deps)
  const list = { querystring: pageQuery, response: { 200: registrations, ...problems } }
  app.get(PATH, { schema: list }, async (request) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const { after, limit } = request.query
    const found = await withTenant(deps.db, tenantId, (trx) => listRegistrations(trx, { after, limit }))
    const next = found.length < limit ? undefined : found.at(-1)?.clientId
    return { registrations: found.map(registrationBody), ...(next !== undefined && { next }) }
  })

  const ended = z.null().describe('It is a client like others again.')
  const end = { querystring: clientIdQuery, response: { 204: ended, ...problems } }
  app.delete(PATH, { schema: end }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    const isDeleted = await withTenant(deps.db, caller.tenantId, (trx) =>
      deleteRegistration(trx, { clientId: request.query.client_id, by: actorOf(caller) }),
    )
    if (!isDeleted) return sendProblem(reply, requestProblem('registration_unknown'))
    return reply.code(204).send(null)
  })
}

function registerPut(app: App, deps: AppDeps): void {
  const put = { body: registrationRequest, response: { 202: pending, ...problems } }
  app.put(PATH, { schema: put }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: presented, mode } = request.body
    const identified = parseClientIdUrl(presented, deps.identifiers)
    if (!identified.ok) throw new ProblemError(identifierProblem(identified.code, identified.violations))
    const demanded = await demandByForce(
      deps,
      caller,
      identified,
      (trx, { client, generation }) =>
        putRegistration(trx, { client, generation, mode, by: actorOf(caller) }),
      { registering: true },
    )
    if (demanded.kind === 'problem') return sendProblem(reply, demanded.problem)
    const { client, generation } = demanded.demand
    const ticket = await withTenant(deps.db, caller.tenantId, (trx) => issueTicket(trx, client, generation))
    return reply.code(202).header('retry-after', '1').send({ status: 'pending', ticket })
  })
}

function registrationBody({ clientId, createdAt, createdBy, ...registered }: Registered) {
  return { ...registered, client_id: clientId, created_at: createdAt.toISOString(), created_by: createdBy }
}
