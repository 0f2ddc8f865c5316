import type { ClientIdUrl } from '@cimd/core'
import { findTicket, issueTicket, withTenant } from '@cimd/store'
import type { FastifyReply } from 'fastify'
import type { Answer } from '../answer.ts'
import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { noteGiven } from '../given-document.ts'
import { requestProblem } from '../problem.ts'
import { sendProblem } from '../problem-response.ts'
import { demandRefresh, resolveClient } from '../resolve-client.ts'
import {
  pending,
  problems,
  ready,
  refreshRequest,
  resolveRequest,
  ticketParameters,
  ticketQuery,
} from '../schemas.ts'
import { waitForAnswer } from '../wait-for-answer.ts'

/** Routes about clients: resolve, refresh, tickets. */
export function registerClientRoutes(app: App, deps: AppDeps): void {
  const answers = { 200: ready, 202: pending, ...problems }

  app.post('/v1/resolve', { schema: { body: resolveRequest, response: answers } }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request, 'resolve')
    const waitMs = Math.min(request.body.wait_ms, deps.waitMsMax)
    const answer = await resolveClient(deps, caller, { ...request.body, wait_ms: waitMs })
    await noteAnswer(deps, caller.tenantId, answer)
    return send(reply, answer)
  })

  app.post(
    '/v1/refresh',
    { schema: { body: refreshRequest, response: { 202: pending, ...problems } } },
    async (request, reply) => {
      const caller = await requireCaller(deps.db, request, 'resolve')
      const { client_id: clientId, subject } = request.body
      const demanded = await demandRefresh(deps, caller, { clientId, subject })
      if (demanded.kind !== 'demanded') return send(reply, demanded)
      const { client, generation } = demanded.demand
      const ticket = await withTenant(deps.db, caller.tenantId, (trx) => issueTicket(trx, client, generation))
      return send(reply, { kind: 'pending', ticket })
    },
  )

  app.get(
    '/v1/tickets/:id',
    { schema: { params: ticketParameters, querystring: ticketQuery, response: answers } },
    async (request, reply) => {
      const caller = await requireCaller(deps.db, request, 'resolve')
      const { tenantId, profile } = caller
      const ticket = await withTenant(deps.db, tenantId, (trx) => findTicket(trx, request.params.id))
      if (ticket === undefined) return sendProblem(reply, requestProblem('ticket_unknown'))
      const { client, generation } = ticket
      const answer = await waitForAnswer(deps, {
        tenantId,
        // Checked when the ticket was issued.
        clientId: ticket.clientId as ClientIdUrl,
        client,
        generation,
        waitMs: Math.min(request.query.wait_ms, deps.waitMsMax),
        redirectUri: request.query.redirect_uri,
        profile,
      })
      await noteAnswer(deps, tenantId, answer)
      return send(reply, answer)
    },
  )
}

// A login does not fail because of it: until it is noted, with the next answer, a report of its digest is told that the version
// is unknown, and nothing is lost unseen.
async function noteAnswer({ db, log }: AppDeps, tenantId: string, answer: Answer): Promise<void> {
  if (answer.kind !== 'ready') return
  try {
    await noteGiven(db, tenantId, answer.body)
  } catch (error) {
    const { client_id, digest } = answer.body
    log.error({ event: 'given.unnoted', client_id, digest, err: error }, 'an answer could not be noted')
  }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.kind === 'problem') return sendProblem(reply, answer.problem)
  if (answer.kind === 'ready') return reply.code(200).send(answer.body)
  return reply.code(202).header('retry-after', '1').send({ status: 'pending', ticket: answer.ticket })
}
