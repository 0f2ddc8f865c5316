import {
  type Db,
  findTenant,
  findTenantSummary,
  inTransaction,
  KEY_OVERLAP_SECONDS,
  type KeyOwner,
  listApiKeys,
  listTenants,
  openTenant,
  removeTenant,
  type Transaction,
  withTenant,
} from '@cimd/store'
import type { FastifyRequest } from 'fastify'
import type { App, AppDeps } from '../app.ts'
import { requireOperator } from '../authenticate.ts'
import { keyBody, tenantBody } from '../key-body.ts'
import {
  keyRequest,
  keys,
  madeKey,
  removalQuery,
  removed,
  revokedKey,
  rotatedKey,
  rotationRequest,
  tenant,
  tenantKeyParameters,
  tenantParameters,
  tenantRequest,
  tenants,
} from '../key-schemas.ts'
import { requestProblem } from '../problem.ts'
import { ProblemError } from '../problem-response.ts'
import { problems } from '../schemas.ts'
import { makeKey, revokeKey, rotateKey } from '../tenant-keys.ts'

const PATH = '/v1/operator/tenants'
const SECURITY = [{ operatorKey: [] }]

type OperatorDeps = Pick<AppDeps, 'db'> & { readonly operatorDb: Db }

/** Tenants and their keys, for operators: on connections of their own, in the role that sees every tenant. */
export function registerOperatorRoutes(app: App, deps: OperatorDeps): void {
  registerTenants(app, deps)
  registerOneTenant(app, deps)
  registerKeys(app, deps)
  registerOneKey(app, deps)
}

function registerTenants(app: App, deps: OperatorDeps): void {
  const list = { security: SECURITY, response: { 200: tenants, ...problems } }
  app.get(PATH, { schema: list }, async (request) => {
    await requireOperator(deps.db, request)
    return { tenants: (await listTenants(deps.operatorDb)).map(tenantBody) }
  })

  const made = tenant.describe('It is made, or was there already.')
  const make = { security: SECURITY, body: tenantRequest, response: { 200: made, 201: made, ...problems } }
  app.post(PATH, { schema: make }, async (request, reply) => {
    const prefix = await requireOperator(deps.db, request)
    const { name } = request.body
    const { isNew } = await inTransaction(deps.operatorDb, (trx) => openTenant(trx, name, operator(prefix)))
    return reply.code(isNew ? 201 : 200).send(await readTenant(deps, name))
  })
}

function registerOneTenant(app: App, deps: OperatorDeps): void {
  const params = tenantParameters
  const show = { security: SECURITY, params, response: { 200: tenant, ...problems } }
  app.get(`${PATH}/:name`, { schema: show }, async (request) => {
    await requireOperator(deps.db, request)
    return readTenant(deps, request.params.name)
  })

  const remove = { security: SECURITY, params, querystring: removalQuery }
  const schema = { ...remove, response: { 204: removed, ...problems } }
  app.delete(`${PATH}/:name`, { schema }, async (request, reply) => {
    await requireOperator(deps.db, request)
    const { name } = request.params
    if (request.query.confirm !== name) throw new ProblemError(requestProblem('confirmation_required'))
    if (!(await removeTenant(deps.operatorDb, name))) throw tenantUnknown()
    return reply.code(204).send(null)
  })
}

function registerKeys(app: App, deps: OperatorDeps): void {
  const path = `${PATH}/:name/keys`
  const params = tenantParameters
  const list = { security: SECURITY, params, response: { 200: keys, ...problems } }
  app.get(path, { schema: list }, async (request) => {
    const listed = await forTenant(deps, request, request.params.name, (trx, { tenantId }) =>
      listApiKeys(trx, tenantId),
    )
    return { keys: listed.map(keyBody) }
  })

  const make = { security: SECURITY, params, body: keyRequest, response: { 201: madeKey, ...problems } }
  app.post(path, { schema: make }, async (request, reply) => {
    const { scopes, expires_in_days: expiresInDays } = request.body
    const { key, summary } = await forTenant(deps, request, request.params.name, (trx, owner) =>
      makeKey(trx, owner, { scopes, expiresInDays }),
    )
    reply.code(201).header('cache-control', 'no-store')
    return { key, ...keyBody(summary) }
  })
}

function registerOneKey(app: App, deps: OperatorDeps): void {
  const path = `${PATH}/:name/keys/:prefix`
  const one = { security: SECURITY, params: tenantKeyParameters }
  const rotate = { ...one, body: rotationRequest, response: { 200: rotatedKey, ...problems } }
  app.post(`${path}/rotate`, { schema: rotate }, async (request, reply) => {
    const { name, prefix } = request.params
    const overlapSeconds = request.body?.overlap_seconds ?? KEY_OVERLAP_SECONDS.default
    const { key, previousUntil } = await forTenant(deps, request, name, (trx, owner) =>
      rotateKey(trx, owner, { prefix, overlapSeconds }),
    )
    reply.header('cache-control', 'no-store')
    return { key, previous_until: previousUntil.toISOString() }
  })

  const revoke = { ...one, response: { 204: revokedKey, ...problems } }
  app.delete(path, { schema: revoke }, async (request, reply) => {
    const { name, prefix } = request.params
    await forTenant(deps, request, name, (trx, owner) => revokeKey(trx, owner, prefix))
    return reply.code(204).send(null)
  })
}

/** Does what a key of an operator asks, in a transaction of the tenant of that name. */
async function forTenant<T>(
  { db, operatorDb }: OperatorDeps,
  request: FastifyRequest,
  name: string,
  work: (trx: Transaction, owner: KeyOwner) => Promise<T>,
): Promise<T> {
  const prefix = await requireOperator(db, request)
  const tenantId = await findTenant(operatorDb, name)
  if (tenantId === undefined) throw tenantUnknown()
  return withTenant(operatorDb, tenantId, (trx) => work(trx, { tenantId, by: operator(prefix) }))
}

function operator(prefix: string): KeyOwner['by'] {
  return { kind: 'operator', id: prefix }
}

async function readTenant({ operatorDb }: OperatorDeps, name: string) {
  const found = await findTenantSummary(operatorDb, name)
  if (found === undefined) throw tenantUnknown()
  return tenantBody(found)
}

function tenantUnknown(): ProblemError {
  return new ProblemError(requestProblem('tenant_unknown'))
}
