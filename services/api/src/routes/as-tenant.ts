import { type Transaction, withTenant } from '@cimd/store'
import type { FastifyRequest } from 'fastify'
import type { AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'

/** Does what a key with the scope of the route asks, in a transaction of its tenant. */
export async function asTenant<T>(
  { db }: Pick<AppDeps, 'db'>,
  request: FastifyRequest,
  work: (trx: Transaction) => Promise<T>,
): Promise<T> {
  const { tenantId } = await requireCaller(db, request)
  return withTenant(db, tenantId, work)
}
