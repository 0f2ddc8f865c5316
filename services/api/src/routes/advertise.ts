import { readAdvertise } from '@cimd/store'
import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { advertiseAnswer, problems } from '../schemas.ts'

/** Whether the way to publishers is fit to be advertised, for whoever has a key, whatever it is for (SRV-04). */
export function registerAdvertiseRoute(app: App, deps: AppDeps): void {
  const schema = { response: { 200: advertiseAnswer, ...problems } }
  app.get('/v1/advertise', { schema }, async (request, reply) => {
    await requireCaller(deps.db, request)
    const { advertise, since, why } = await readAdvertise(deps.db)
    reply.header('cache-control', 'no-store')
    return { advertise, since: since.toISOString(), ...(why !== undefined && { why }) }
  })
}
