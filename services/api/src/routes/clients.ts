import type { ClientIdUrl } from '@cimd/core'
import { type Authenticated, findTicket, issueTicket, withTenant } from '@cimd/store'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { policyFor } from '../admission.ts'
import type { Answer } from '../answer.ts'
import type { App, AppDeps } from '../app.ts'
import type { Asked } from '../asked.ts'
import { requireCaller } from '../authenticate.ts'
import { concludeAnswer } from '../conclude-answer.ts'
import { demandRefresh } from '../demand-refresh.ts'
import { languagesOf } from '../languages.ts'
import { requestProblem } from '../problem.ts'
import { sendProblem } from '../problem-response.ts'
import { mayDemand, resolveClient } from '../resolve-client.ts'
import {
  pending,
  problems,
  type ResolveRequest,
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
    const caller = await requireCaller(deps.db, request)
    const waitMs = Math.min(request.body.wait_ms, deps.waitMsMax)
    const answer = await resolveClient(deps, caller, { ...request.body, wait_ms: waitMs })
    const asked = askedOf(caller, request.body, languagesIn(request, request.body))
    return send(reply, await concludeAnswer(deps, caller, asked, answer))
  })

  app.post(
    '/v1/refresh',
    { schema: { body: refreshRequest, response: { 202: pending, ...problems } } },
    async (request, reply) => {
      const caller = await requireCaller(deps.db, request)
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
      const caller = await requireCaller(deps.db, request)
      const { tenantId } = caller
      const judged = await policyFor(deps.policies, caller)
      if (!judged.ok) return sendProblem(reply, judged.problem)
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
        policy: judged.policy,
      })
      // A ticket is of a demand, which `token` and `revoke` never make; until that is answered nothing is decided.
      const asked = {
        clientId: ticket.clientId,
        purpose: 'authorize',
        redirectUri: request.query.redirect_uri,
        decides: answer.kind !== 'pending',
        languages: languagesIn(request, request.query),
      } as const
      return send(reply, await concludeAnswer(deps, caller, asked, answer))
    },
  )
}

function languagesIn(
  { headers }: FastifyRequest,
  { ui_locales: uiLocales }: { readonly ui_locales?: string | undefined },
): readonly string[] {
  return languagesOf(uiLocales, headers['accept-language'])
}

function askedOf(caller: Authenticated, request: ResolveRequest, languages: readonly string[]): Asked {
  const { client_id: clientId, purpose, redirect_uri: redirectUri } = request
  const isDemand = purpose === 'authorize' || purpose === 'par'
  const decides = isDemand && mayDemand(caller, request.subject)
  return { clientId, purpose, redirectUri, languages, decides }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.kind === 'problem') return sendProblem(reply, answer.problem)
  if (answer.kind === 'ready') return reply.code(200).send(answer.body)
  return reply.code(202).header('retry-after', '1').send({ status: 'pending', ticket: answer.ticket })
}
