import { parseClientIdUrl } from '@cimd/core'
import { hastenRefresh } from '@cimd/store'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import type { TakePublicRefresh } from '../refresh-budget.ts'
import { problems } from '../schemas.ts'

const body = z.looseObject({ client_id: z.string().describe('The document that has just been deployed.') })
const taken = z.object({}).describe('The same whatever is known of the client, if anything.')

/**
 * `POST /refresh`, without a key: for a publisher's deploy hook. It only hastens the refresh of a client that is in use
 * already; the answer, and when it comes, say nothing of what is known.
 */
export function registerPublisherRefresh(
  app: App,
  deps: Pick<AppDeps, 'db' | 'identifiers' | 'log'>,
  take: TakePublicRefresh,
): void {
  const schema = { body, security: [], response: { 202: taken, ...problems } }
  app.post('/refresh', { schema }, async (request, reply) => {
    const { client_id: clientId } = request.body
    const { ip } = request
    // After the answer, so that its time does not tell whether there was anything to do.
    reply.raw.once('finish', () => {
      if (!take(ip)) return
      hasten(deps, clientId).catch((error) => {
        deps.log.warn({ event: 'public_refresh.failed', err: error }, "a publisher's refresh was lost")
      })
    })
    return reply.code(202).send({})
  })
}

async function hasten(
  { db, identifiers, log }: Pick<AppDeps, 'db' | 'identifiers' | 'log'>,
  presented: string,
): Promise<void> {
  const identified = parseClientIdUrl(presented, identifiers)
  if (!identified.ok || !(await hastenRefresh(db, identified.value))) return
  log.info(
    { event: 'public_refresh.hastened', client_id: identified.value },
    'a publisher hastened a refresh',
  )
}
