import type { AskNameServers, FetchResource } from '@cimd/core'
import type { ClientQueue } from '@cimd/queue'
import {
  claimClient,
  claimResources,
  createFetchBudget,
  type Db,
  deferClaim,
  deferResource,
  doneKey,
  notify,
  observeRegistration,
  pauseResource,
  postponeClaim,
  postponeResource,
  recordAttempt,
  recordResource,
  releaseClaim,
  releaseResource,
  renewLinked,
  saveLogo,
  takeRegistrationQuestion,
} from '@cimd/store'
import type { AskRegistrationDeps } from './ask-registration.ts'
import type { FetcherConfig } from './config.ts'
import { createFaultPauses } from './fault-pauses.ts'
import type { FetchClientDeps } from './fetch-client.ts'
import type { FetchResourceDeps } from './fetch-resource.ts'
import { importableKeys } from './import-keys.ts'
import type { TakeIsolation } from './isolation/isolate.ts'
import { createEncodeLogo } from './logo/encode-logo.ts'
import { noteChangedKeys, observeOwner } from './observe-owner.ts'
import { createSlots } from './slots.ts'

/** The claim outlasts the longest fetch and its recording; a killed fetcher's work is free after it. */
const CLAIM_LEASE_SECONDS = 8
/** The same for key sets and logos, which may be decoded for longer than they are fetched. */
const RESOURCE_LEASE_SECONDS = 20
/** The same for what is worked in a process of its own: as long as that may take to start, to fetch and to judge. */
const ISOLATED_LEASE_SECONDS = 30
const ISOLATED_RESOURCE_LEASE_SECONDS = 45

/** How strangers are reached. */
type WayTo = { readonly fetchResource: FetchResource; readonly askNameServers: AskNameServers }

/** The store, the budget and the queue of a fetcher, around any way to fetch. */
export function createDeps(
  db: Db,
  config: FetcherConfig,
  { fetchResource, askNameServers }: WayTo,
  enqueue: (queue: ClientQueue, clients: readonly string[]) => Promise<void>,
  takeIsolation?: TakeIsolation,
): FetchClientDeps {
  return {
    askNameServers,
    observeOwner: (record, answered) => observeOwner(db, record, answered),
    claim: (client) => claimClient(db, client, CLAIM_LEASE_SECONDS, ISOLATED_LEASE_SECONDS),
    takeBudget: createFetchBudget(db, { ...config.budget, leaseSeconds: CLAIM_LEASE_SECONDS }),
    fetchDocument: (request, signal) => fetchResource({ ...request, resource: 'document' }, signal),
    record: (record) => recordAttempt(db, record),
    renewLinked: (claim) => renewLinked(db, claim),
    announce: announcer(db),
    enqueue: (queue, client) => enqueue(queue, [client]),
    defer: (claim, code, seconds) => deferClaim(db, claim, code, seconds),
    release: (claim) => releaseClaim(db, claim),
    postpone: (claim, seconds) => postponeClaim(db, claim, seconds),
    takeIsolation,
    monotonicMs: () => performance.now(),
    random: Math.random,
  }
}

/** The same for key sets and logos. */
export function createResourceDeps(
  db: Db,
  config: FetcherConfig,
  fetchResource: FetchResource,
  takeIsolation?: TakeIsolation,
): FetchResourceDeps {
  return {
    claim: (client, kinds) =>
      claimResources(db, client, kinds, RESOURCE_LEASE_SECONDS, ISOLATED_RESOURCE_LEASE_SECONDS),
    takeBudget: createFetchBudget(db, { ...config.budget, leaseSeconds: CLAIM_LEASE_SECONDS }),
    fetchResource,
    takeIsolation,
    importableKeys,
    encodeLogo: createEncodeLogo(config.logo),
    takeDecoder: createSlots(config.logo.concurrency),
    saveLogo: (logo) => saveLogo(db, logo),
    record: async (record) => {
      const recorded = await recordResource(db, record)
      if (recorded.applied) await noteChangedKeys(db, record)
      return recorded
    },
    announce: announcer(db),
    defer: (claim, code, seconds) => deferResource(db, claim, code, seconds),
    release: (claim) => releaseResource(db, claim),
    postpone: (claim, seconds) => postponeResource(db, claim, seconds),
    pause: (claim, seconds) => pauseResource(db, claim, seconds),
    faultPauses: createFaultPauses(() => performance.now()),
    monotonicMs: () => performance.now(),
    random: Math.random,
  }
}

function announcer(db: Db) {
  return (claim: { readonly clientId: string }, events: number, line = false): Promise<void> =>
    notify(db, [
      { channel: 'cimd_done', payload: doneKey(claim.clientId) },
      ...(line ? [{ channel: 'cimd_places' as const, payload: '' }] : []),
      ...(events > 0 ? [{ channel: 'cimd_outbox' as const, payload: '' }] : []),
    ])
}

/** The same for what registries are asked; undefined: none is. */
export function createRegistrationDeps(
  db: Db,
  config: FetcherConfig,
  fetchResource: FetchResource,
): AskRegistrationDeps | undefined {
  const { registrationUrl: urlTemplate } = config
  if (urlTemplate === undefined) return undefined
  return {
    urlTemplate,
    takeBudget: createFetchBudget(db, { ...config.budget, leaseSeconds: CLAIM_LEASE_SECONDS }),
    takeQuestion: (domain) => takeRegistrationQuestion(db, domain),
    fetchResource,
    observe: async (seen) => {
      const judgement = await observeRegistration(db, seen)
      if (judgement?.verdict === 'discontinuous') await notify(db, [{ channel: 'cimd_outbox', payload: '' }])
      return judgement
    },
  }
}
