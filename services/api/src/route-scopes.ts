import type { ApiKeyScope } from '@cimd/store'
import type { RouteOptions } from 'fastify'
import { ROUTE_SUMMARIES } from './route-summaries.ts'

/** What the key of a request must be for: `any` scope will do, or it must be of an `operator`; `none`: no key is asked for. */
export type RouteScope = ApiKeyScope | 'any' | 'operator' | 'none'

/** The scope of every route. `requireCaller` asks for it, and `/openapi.json` tells it as `x-cimd-scope`. */
export const ROUTE_SCOPES: Readonly<Record<string, RouteScope>> = {
  'POST /v1/resolve': 'resolve',
  'POST /v1/refresh': 'resolve',
  'GET /v1/tickets/:id': 'resolve',
  'GET /v1/client': 'resolve',
  'GET /v1/client/changes': 'resolve',
  'POST /v1/client/reports': 'resolve',
  'POST /v1/client/keys/refresh': 'resolve',
  'POST /v1/client/owner/accept': 'policy',
  'POST /v1/client/reviewed': 'policy',
  'POST /v1/subjects/erase': 'admin',
  'GET /v1/events': 'events',
  'GET /v1/subscriptions': 'events',
  'POST /v1/subscriptions': 'events',
  'GET /v1/subscriptions/:id': 'events',
  'PATCH /v1/subscriptions/:id': 'events',
  'DELETE /v1/subscriptions/:id': 'events',
  'POST /v1/subscriptions/:id/secret': 'events',
  'POST /v1/subscriptions/:id/verify': 'events',
  'POST /v1/subscriptions/:id/disable': 'events',
  'GET /v1/subscriptions/:id/deliveries': 'events',
  'POST /v1/subscriptions/:id/replay': 'events',
  'GET /v1/policy': 'policy',
  'PUT /v1/policy': 'policy',
  'GET /v1/policy/versions': 'policy',
  'GET /v1/policy/versions/:version': 'policy',
  'GET /v1/policy/report-only': 'policy',
  'PUT /v1/policy/report-only': 'policy',
  'DELETE /v1/policy/report-only': 'policy',
  'POST /v1/policy/dry-run': 'policy',
  'GET /v1/reviews': 'policy',
  'DELETE /v1/reviews': 'policy',
  'POST /v1/reviews/approve': 'policy',
  'POST /v1/reviews/refuse': 'policy',
  'GET /v1/registrations': 'policy',
  'PUT /v1/registrations': 'policy',
  'DELETE /v1/registrations': 'policy',
  'GET /v1/audit': 'audit',
  'GET /v1/audit/head': 'audit',
  'GET /v1/audit/export': 'audit',
  'GET /v1/tenant': 'admin',
  'GET /v1/keys': 'admin',
  'POST /v1/keys': 'admin',
  'POST /v1/keys/:prefix/rotate': 'admin',
  'DELETE /v1/keys/:prefix': 'admin',
  'GET /v1/operator/tenants': 'operator',
  'POST /v1/operator/tenants': 'operator',
  'GET /v1/operator/tenants/:name': 'operator',
  'DELETE /v1/operator/tenants/:name': 'operator',
  'GET /v1/operator/tenants/:name/keys': 'operator',
  'POST /v1/operator/tenants/:name/keys': 'operator',
  'POST /v1/operator/tenants/:name/keys/:prefix/rotate': 'operator',
  'DELETE /v1/operator/tenants/:name/keys/:prefix': 'operator',
  'GET /v1/advertise': 'any',
  'GET /logos/:digest': 'none',
  'POST /refresh': 'none',
}

declare module 'fastify' {
  interface FastifyContextConfig {
    scope?: RouteScope
  }
  interface FastifySchema {
    'x-cimd-scope'?: RouteScope
  }
}

/** Gives a route that is registered its scope. Throws where it has none: nothing is served that nobody decided on. */
export function declareScope(route: RouteOptions): void {
  // Health, and the description itself.
  if (route.schema?.hide === true) return
  const scope = scopeOf(route)
  const summary = namesOf(route).flatMap((name) => ROUTE_SUMMARIES[name] ?? [])[0]
  route.config = { ...route.config, scope }
  route.schema = { ...route.schema, ...(summary !== undefined && { summary }), 'x-cimd-scope': scope }
}

function scopeOf(route: RouteOptions): RouteScope {
  const names = namesOf(route)
  const scopes = new Set(names.map((name) => ROUTE_SCOPES[name]))
  const [scope] = scopes
  if (scope === undefined || scopes.size !== 1) {
    throw new Error(`${names.join(', ')} has no scope: decide on one in route-scopes.ts`)
  }
  return scope
}

function namesOf({ method, url }: RouteOptions): readonly string[] {
  return [method].flat().map((name) => `${name === 'HEAD' ? 'GET' : name} ${url}`)
}
