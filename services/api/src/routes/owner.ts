import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { acceptOwnerOf } from '../owner.ts'
import { ownerAccepted, ownerAcceptRequest } from '../owner-schemas.ts'
import { problems } from '../schemas.ts'

/** The route by which a tenant accepts that a domain is in other hands (CHG-05). */
export function registerOwnerRoute(app: App, deps: AppDeps): void {
  const accept = { body: ownerAcceptRequest, response: { 200: ownerAccepted, ...problems } }
  app.post('/v1/client/owner/accept', { schema: accept }, async (request) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: clientId, domain, era } = request.body
    const accepted = await acceptOwnerOf(deps, caller, { clientId, domain, era })
    return { domain: accepted.domain, era: accepted.era }
  })
}
