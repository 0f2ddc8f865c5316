import {
  type FetchDocument,
  type FetchResource,
  judgeFetchUrl,
  judgeResponse,
  RESOURCES,
  type ResourceKind,
  type ResponseHead,
  type Validators,
} from '@cimd/core'
import { createGuardedRequest, type GuardedOptions } from './guarded-request.ts'
import { cacheHeaders } from './header-lines.ts'
import { readResource } from './read-resource.ts'

/** How strangers' resources are fetched. */
export type GuardedFetchOptions = GuardedOptions & {
  /** Ports that a URL may name (CID-09); 443 alone by default. */
  readonly allowedPorts?: readonly number[]
  /** The most that is read of each kind of resource, where it differs from core's `RESOURCES`. */
  readonly bodyBytesMax?: Partial<Readonly<Record<ResourceKind, number>>>
  /** Wall clock, for a Retry-After that names a date. */
  readonly nowMs?: () => number
}

const DEADLINE_MS = 5000

/** The guarded GET of one client metadata document (FET-04, FET-05, FET-12, FET-16). */
export function createFetchDocument(options: GuardedFetchOptions): FetchDocument {
  const guardedFetch = createGuardedFetch(options)
  return (request, signal) => guardedFetch({ ...request, resource: 'document' }, signal)
}

/**
 * The guarded GET of whatever a stranger names: a document, its key set, its logo (FET-12, FET-13). Throws at once if
 * this machine judges addresses otherwise than the day they were tested.
 */
export function createGuardedFetch(options: GuardedFetchOptions): FetchResource {
  const { allowedPorts = [443], bodyBytesMax: caps = {}, nowMs = Date.now, ...guarded } = options
  const guardedRequest = createGuardedRequest({ deadlineMs: DEADLINE_MS, ...guarded })
  return async ({ url, resource, validators = {} }, signal) => {
    const { accept, bodyBytesMax: usualMax } = RESOURCES[resource]
    const bodyBytesMax = caps[resource] ?? usualMax
    const validatorsSent = validators.etag !== undefined || validators.lastModified !== undefined
    const judge = (head: ResponseHead) =>
      judgeResponse(head, { resource, validatorsSent, bodyBytesMax, nowMs: nowMs() })
    const asking = {
      url: judgeFetchUrl(url, allowedPorts),
      request: { method: 'GET', accept, headers: conditions(validators) },
      reading: { bodyBytesMax, reader: readResource({ resource, judge, bodyBytesMax }) },
    } as const
    const outcome = await guardedRequest(asking, signal)
    if (outcome.kind === 'failed') return outcome
    const { received, evidence } = outcome
    const seen = { headers: cacheHeaders(received.headers), evidence }
    if (received.kind === 'not_modified') return { kind: 'not_modified', ...seen }
    const { body, contentType } = received
    return { kind: 'fetched', body, contentType, ...seen }
  }
}

/** Of a version we hold, and nothing of a tenant, user or authorization server (FET-06, FET-25). */
function conditions({ etag, lastModified }: Validators): Readonly<Record<string, string>> {
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  }
}
