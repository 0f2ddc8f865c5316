import { createHash, randomUUID } from 'node:crypto'
import type { ApiKeyScope } from '@cimd/store'

/** What a route is about: something of one tenant, or nothing in particular. */
export type Resource =
  | 'nothing'
  | 'client'
  /** One of which a version is approved, one that is registered, and one that the audit has an entry of. */
  | 'decided client'
  | 'registered client'
  | 'audited client'
  | 'ticket'
  | 'subscription'
  | 'key'
  | 'policy version'
  /** A policy that is only reported; it has no name. */
  | 'reported policy'
  /** Somebody who was reported as a user. */
  | 'subject'
  /** One of an operator, who has no others. */
  | 'tenant'

/** Of whom the resource is that is asked about; `nobody`: there is none of that name. */
export type Whose = 'own' | 'other' | 'nobody'

export type RouteRow = {
  /** As the api's description names it. `none`: without a key. `any`: whatever the key is for. */
  readonly scope: ApiKeyScope | 'none' | 'any' | 'operator'
  readonly about: Resource
  /** To whom the scope belongs and what is asked about is its own. */
  readonly status: number
  /** What is only the other's is answered like one's own: a first own demand begins a view, and a mark is by name. */
  readonly alike?: true
  /** What the name of the resource makes of the path and the query. */
  readonly query?: (name: string) => string
  readonly body?: (name: string) => object
}

const HOOK = 'https://hooks.example.net/matrix'
const clientQuery = (name: string) => `?client_id=${encodeURIComponent(name)}`

/** The digest of the document of a client as the world publishes it. */
export function digestOf(clientId: string): string {
  const document = {
    ...{ client_id: clientId, client_name: 'A client' },
    redirect_uris: ['https://app.example.net/callback'],
  }
  return createHash('sha256').update(JSON.stringify(document)).digest('hex')
}

const subscription = { scope: 'events', about: 'subscription', status: 200 } as const
const client = { scope: 'resolve', about: 'client', status: 200 } as const
const policy = { scope: 'policy', about: 'nothing', status: 200 } as const
const audit = { scope: 'audit', about: 'nothing', status: 200 } as const
const operator = { scope: 'operator', about: 'tenant', status: 200 } as const
const POLICY = { mode: 'open' }
const makesKey = () => ({ scopes: ['resolve'] })
const overlaps = () => ({ overlap_seconds: 60 })

/** Every route of the api, as its own description names them: who may, and about what. */
export const ROUTES: Readonly<Record<string, RouteRow>> = {
  'POST /v1/resolve': { ...client, body: (client_id) => ({ client_id, purpose: 'token' }) },
  'POST /v1/refresh': {
    ...{ ...client, status: 202, alike: true },
    body: (client_id) => ({ client_id, subject: 'alice' }),
  },
  'GET /v1/tickets/{id}': { scope: 'resolve', about: 'ticket', status: 200 },
  'POST /v1/client/keys/refresh': {
    ...{ ...client, status: 404 },
    body: (client_id) => ({ client_id, wait_ms: 0 }),
  },
  'GET /v1/client': { ...client, query: clientQuery },
  'GET /v1/client/changes': { ...client, query: (name) => `${clientQuery(name)}&since=${digestOf(name)}` },
  'POST /v1/client/reports': {
    ...client,
    body: (client_id) => ({ client_id, digest: digestOf(client_id), kind: 'consent' }),
  },
  'GET /v1/advertise': { scope: 'any', about: 'nothing', status: 200 },
  'GET /v1/events': { scope: 'events', about: 'nothing', status: 200 },
  'GET /v1/subscriptions': { scope: 'events', about: 'nothing', status: 200 },
  'POST /v1/subscriptions': { scope: 'events', about: 'nothing', status: 201, body: () => ({ url: HOOK }) },
  'GET /v1/subscriptions/{id}': subscription,
  'PATCH /v1/subscriptions/{id}': { ...subscription, body: () => ({ url: HOOK }) },
  'DELETE /v1/subscriptions/{id}': { ...subscription, status: 204 },
  'POST /v1/subscriptions/{id}/secret': { ...subscription, body: () => ({ overlap_seconds: 60 }) },
  'POST /v1/subscriptions/{id}/verify': subscription,
  'POST /v1/subscriptions/{id}/disable': subscription,
  'GET /v1/subscriptions/{id}/deliveries': subscription,
  'POST /v1/subscriptions/{id}/replay': { ...subscription, body: () => ({ dead: true }) },
  'GET /v1/tenant': { scope: 'admin', about: 'nothing', status: 200 },
  'GET /v1/keys': { scope: 'admin', about: 'nothing', status: 200 },
  'POST /v1/keys': { scope: 'admin', about: 'nothing', status: 201, body: makesKey },
  'POST /v1/keys/{prefix}/rotate': { scope: 'admin', about: 'key', status: 200, body: overlaps },
  'DELETE /v1/keys/{prefix}': { scope: 'admin', about: 'key', status: 204 },
  'POST /v1/subjects/erase': {
    ...{ scope: 'admin', about: 'subject', status: 200 },
    body: (subject) => ({ subject }),
  },
  'POST /v1/client/owner/accept': { ...policy, about: 'client', body: (client_id) => ({ client_id }) },
  'POST /v1/client/reviewed': {
    ...{ ...policy, about: 'client', alike: true },
    body: (client_id) => ({ client_id }),
  },
  'GET /v1/policy': policy,
  'PUT /v1/policy': { ...policy, body: () => ({ policy: POLICY }) },
  'GET /v1/policy/versions': policy,
  'GET /v1/policy/versions/{version}': { ...policy, about: 'policy version' },
  'GET /v1/policy/report-only': { ...policy, about: 'reported policy' },
  'PUT /v1/policy/report-only': { ...policy, body: () => ({ policy: POLICY }) },
  'DELETE /v1/policy/report-only': { ...policy, about: 'reported policy', status: 204 },
  'POST /v1/policy/dry-run': { ...policy, body: () => ({ policy: POLICY }) },
  'GET /v1/reviews': policy,
  'DELETE /v1/reviews': { ...policy, about: 'decided client', status: 204, query: clientQuery },
  'POST /v1/reviews/approve': {
    ...{ ...policy, about: 'client' },
    body: (client_id) => ({ client_id, digest: digestOf(client_id) }),
  },
  'POST /v1/reviews/refuse': {
    ...{ ...policy, about: 'client' },
    body: (client_id) => ({ client_id, digest: digestOf(client_id), reason: 'It asks for too much.' }),
  },
  'GET /v1/registrations': policy,
  'PUT /v1/registrations': {
    ...{ ...policy, about: 'client', status: 202, alike: true },
    body: (client_id) => ({ client_id, mode: 'periodic' }),
  },
  'DELETE /v1/registrations': { ...policy, about: 'registered client', status: 204, query: clientQuery },
  'GET /v1/audit': { ...audit, about: 'audited client', query: clientQuery },
  'GET /v1/audit/head': audit,
  'GET /v1/audit/export': audit,
  'GET /v1/operator/tenants': { ...operator, about: 'nothing' },
  'POST /v1/operator/tenants': {
    ...{ ...operator, about: 'nothing', status: 201 },
    body: () => ({ name: `made ${randomUUID()}` }),
  },
  'GET /v1/operator/tenants/{name}': operator,
  'DELETE /v1/operator/tenants/{name}': {
    ...{ ...operator, status: 204 },
    query: (name) => `?confirm=${encodeURIComponent(name)}`,
  },
  'GET /v1/operator/tenants/{name}/keys': operator,
  'POST /v1/operator/tenants/{name}/keys': { ...operator, status: 201, body: makesKey },
  'POST /v1/operator/tenants/{name}/keys/{prefix}/rotate': { ...operator, about: 'key', body: overlaps },
  'DELETE /v1/operator/tenants/{name}/keys/{prefix}': { ...operator, about: 'key', status: 204 },
  'GET /logos/{digest}': { scope: 'none', about: 'nothing', status: 404 },
  'POST /refresh': {
    ...{ scope: 'none', about: 'client', status: 202, alike: true },
    body: (client_id) => ({ client_id }),
  },
}

/** One request of a route, about the resource of that name. */
export function requestOf(route: string, name: string): { method: string; path: string; init: RequestInit } {
  const row = ROUTES[route]
  const [method = '', template = ''] = route.split(' ')
  if (row === undefined) throw new Error(`${route} is not in the table of routes`)
  const path =
    template
      // A key is looked for at the first tenant, whosever it is.
      .replace('{name}/keys/{prefix}', 'first/keys/{prefix}')
      .replace(/\{id\}|\{prefix\}|\{version\}|\{name\}/, name)
      .replace('{digest}', digestOf(randomUUID())) + (row.query?.(name) ?? '')
  const body = row.body?.(name)
  const init = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  return { method, path, init: { method, ...init } }
}
