import { eraseSubject, withTenant } from '@cimd/store'
import type { App, AppDeps } from '../app.ts'
import { actorOf, requireCaller } from '../authenticate.ts'
import { erased, eraseRequest } from '../reputation-schemas.ts'
import { problems } from '../schemas.ts'

/** Routes about those who have logged in at the authorization server. */
export function registerSubjectRoutes(app: App, { db }: AppDeps): void {
  const erase = { body: eraseRequest, response: { 200: erased, ...problems } }
  app.post('/v1/subjects/erase', { schema: erase }, async (request) => {
    const caller = await requireCaller(db, request)
    const pseudonym = await withTenant(db, caller.tenantId, (trx) =>
      eraseSubject(trx, request.body.subject, actorOf(caller)),
    )
    return { erased: pseudonym !== undefined }
  })
}
