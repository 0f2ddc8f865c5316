import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { refreshKeys } from '../keys.ts'
import { keysRefreshRequest, pendingKeys, refreshedKeys } from '../linked-schemas.ts'
import { sendProblem } from '../problem-response.ts'
import { problems } from '../schemas.ts'

/** The route that gives an authorization server newer keys of a client: it fetches nothing itself (KEY-14). */
export function registerKeyRoutes(app: App, deps: AppDeps): void {
  const response = { 200: refreshedKeys, 202: pendingKeys, ...problems }
  const schema = { body: keysRefreshRequest, response }
  app.post('/v1/client/keys/refresh', { schema }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    const wait_ms = Math.min(request.body.wait_ms, deps.waitMsMax)
    const answer = await refreshKeys(deps, caller, { ...request.body, wait_ms })
    if (answer.kind === 'problem') return sendProblem(reply, answer.problem)
    const { clientId: client_id } = answer
    if (answer.kind === 'ready')
      return reply.code(200).send({ status: 'ready', client_id, keys: answer.keys })
    return reply.code(202).header('retry-after', '1').send({ status: 'pending', client_id })
  })
}
