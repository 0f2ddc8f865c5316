import type { LinkedKind } from '@cimd/core'
import type { ClientJob, ClientQueue } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import { type AskRegistrationDeps, askRegistration } from './ask-registration.ts'
import { type FetchClientDeps, type FetchEnd, fetchClient } from './fetch-client.ts'
import { type FetchResourceDeps, fetchResources } from './fetch-resource.ts'
import { logFetchEnd, logOwnership } from './log-fetch-end.ts'
import { logResourceEnd } from './log-resource-end.ts'

/** What a job needs from the world. */
export type RunJobDeps = {
  readonly log: Logger
  readonly documents: FetchClientDeps
  readonly resources: FetchResourceDeps
  /** Where a registry is to be asked about domains. */
  readonly registrations?: AskRegistrationDeps | undefined
  /** Whether logos can be decoded here. */
  readonly canDecode: () => Promise<boolean>
}

/** Does one job of a queue, and logs how each of its fetches ended: the document first, then what it names. */
export async function runJob(
  deps: RunJobDeps,
  queue: ClientQueue,
  { client }: ClientJob,
  signal: AbortSignal,
): Promise<void> {
  const { log, documents, resources, canDecode } = deps
  const end = await fetchClient(documents, client, signal)
  logFetchEnd(log, queue, client, end)
  if (queue === 'refresh') await lookIntoRegistration(deps, end, signal)
  if (end.kind === 'recorded' && end.record.resources?.length === 0) return
  const kinds = await kindsOf(queue, canDecode)
  const logged: FetchResourceDeps = {
    ...resources,
    onEnd: (resourceEnd) => logResourceEnd(log, queue, resourceEnd),
  }
  await fetchResources(logged, client, kinds, signal)
}

// Decoding takes its time, and a user who waits for a document must not wait for the logos of others.
async function kindsOf(
  queue: ClientQueue,
  canDecode: () => Promise<boolean>,
): Promise<readonly LinkedKind[]> {
  return queue === 'refresh' && (await canDecode()) ? ['jwks', 'logo'] : ['jwks']
}

// Behind what nobody waits for, and only for a domain that serves what is valid.
async function lookIntoRegistration(
  { log, registrations }: RunJobDeps,
  end: FetchEnd,
  signal: AbortSignal,
): Promise<void> {
  if (registrations === undefined || end.kind !== 'recorded' || end.record.outcome === 'failed') return
  const { host } = end.claim
  const judgement = await askRegistration(registrations, { host, at: end.record.finishedAt }, signal)
  if (judgement?.isNews) logOwnership(log, { host }, judgement)
}
