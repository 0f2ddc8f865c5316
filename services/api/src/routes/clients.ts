import type { ClientIdUrl } from '@cimd/core'
import { findTicket, issueTicket, withTenant } from '@cimd/store'
import type { FastifyReply } from 'fastify'
import type { Answer } from '../answer.ts'
import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
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
    return send(reply, await resolveClient(deps, caller, { ...request.body, wait_ms: waitMs }))
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
      return send(reply, answer)
    },
  )
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.kind === 'problem') return sendProblem(reply, answer.problem)
  if (answer.kind === 'ready') return reply.code(200).send(answer.body)
  return reply.code(202).header('retry-after', '1').send({ status: 'pending', ticket: answer.ticket })
}
