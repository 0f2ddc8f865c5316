import { quotasOf } from '@cimd/core'
import {
  type Authenticated,
  describeTenant,
  KEY_OVERLAP_SECONDS,
  type KeyOwner,
  listApiKeys,
  withTenant,
} from '@cimd/store'
import type { App, AppDeps } from '../app.ts'
import { actorOf, requireCaller } from '../authenticate.ts'
import { keyBody, tenantBody } from '../key-body.ts'
import {
  keyParameters,
  keys,
  madeKey,
  ownKeyRequest,
  ownTenant,
  revokedKey,
  rotatedKey,
  rotationRequest,
} from '../key-schemas.ts'
import { problems } from '../schemas.ts'
import { makeKey, revokeKey, rotateKey } from '../tenant-keys.ts'
import { asTenant } from './as-tenant.ts'

/** What a tenant may see and do of itself: its settings, and its own keys. */
export function registerTenantRoutes(app: App, deps: AppDeps): void {
  app.get('/v1/tenant', { schema: { response: { 200: ownTenant, ...problems } } }, async (request) => {
    const tenant = await asTenant(deps, request, describeTenant)
    const { clients } = quotasOf(tenant.quotas, deps.quotas)
    return { ...tenantBody(tenant), limits: { ...deps.tenantLimits, clients } }
  })
  registerKeys(app, deps)
  registerOneKey(app, deps)
}

function registerKeys(app: App, deps: AppDeps): void {
  app.get('/v1/keys', { schema: { response: { 200: keys, ...problems } } }, async (request) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const listed = await withTenant(deps.db, tenantId, (trx) => listApiKeys(trx, tenantId))
    return { keys: listed.map(keyBody) }
  })

  const make = { body: ownKeyRequest, response: { 201: madeKey, ...problems } }
  app.post('/v1/keys', { schema: make }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    const { scopes, expires_in_days: expiresInDays } = request.body
    const { key, summary } = await withTenant(deps.db, caller.tenantId, (trx) =>
      makeKey(trx, ownerOf(caller), { scopes, expiresInDays }),
    )
    reply.code(201).header('cache-control', 'no-store')
    return { key, ...keyBody(summary) }
  })
}

function registerOneKey(app: App, deps: AppDeps): void {
  const params = keyParameters
  const rotate = { params, body: rotationRequest, response: { 200: rotatedKey, ...problems } }
  app.post('/v1/keys/:prefix/rotate', { schema: rotate }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    const overlapSeconds = request.body?.overlap_seconds ?? KEY_OVERLAP_SECONDS.default
    const { prefix } = request.params
    const { key, previousUntil } = await withTenant(deps.db, caller.tenantId, (trx) =>
      rotateKey(trx, ownerOf(caller), { prefix, overlapSeconds }),
    )
    reply.header('cache-control', 'no-store')
    return { key, previous_until: previousUntil.toISOString() }
  })

  const revoke = { params, response: { 204: revokedKey, ...problems } }
  app.delete('/v1/keys/:prefix', { schema: revoke }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    await withTenant(deps.db, caller.tenantId, (trx) =>
      revokeKey(trx, ownerOf(caller), request.params.prefix),
    )
    return reply.code(204).send(null)
  })
}

function ownerOf(caller: Authenticated): KeyOwner {
  return { tenantId: caller.tenantId, by: actorOf(caller) }
}
