import { type ContinuityJudgement, registrableDomainOf } from '@cimd/core'
import type { ClientQueue, JobFailure } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import type { FetchEnd } from './fetch-client.ts'

/** One canonical line for every job, whatever became of it. */
export function logFetchEnd(log: Logger, queue: string, client: string, end: FetchEnd): void {
  if (end.kind === 'nothing_to_do') {
    log.debug({ event: 'job.nothing_to_do', queue, client }, 'nothing wanted, or another fetcher has it')
    return
  }
  const about = { queue, client, client_id: end.claim.clientId, generation: end.claim.generation }
  if (end.kind === 'deferred') {
    log.info({ event: 'fetch.deferred', ...about, failure_code: end.code }, 'the budget asks to wait')
    return
  }
  if (end.kind === 'postponed') {
    log.info({ event: 'fetch.postponed', ...about }, 'it is to be worked alone, and another is')
    return
  }
  const { record, recorded, claim } = end
  const { evidence } = record
  log.info(
    {
      event: 'fetch.attempted',
      ...about,
      outcome: record.outcome,
      failure_code: record.failure?.code,
      detail: record.failure?.detail,
      applied: recorded.applied,
      state: record.standing.state,
      lost_claims: claim.lostClaims,
      events: record.events.map((event) => event.type),
      status: evidence.status,
      address: evidence.dialledAddress,
      body_bytes: evidence.bodyBytes,
      times: evidence.times,
      next_attempt_at: record.nextAttemptAt,
    },
    'fetch attempted',
  )
  if (end.ownership?.isNews) logOwnership(log, end.claim, end.ownership)
}

/** A domain that is taken to have changed hands is a warning; a change that looks planned is worth a line (CHG-05). */
export function logOwnership(
  log: Logger,
  about: { readonly host: string },
  { verdict, signals, reasons, standing }: ContinuityJudgement,
): void {
  const fields = { domain: registrableDomainOf(about.host), verdict, signals, reasons, era: standing.era }
  if (verdict === 'discontinuous') {
    log.warn({ event: 'ownership.judged', ...fields }, 'a domain may have changed hands')
  } else {
    log.info({ event: 'ownership.judged', ...fields }, 'a domain has moved')
  }
}

/** A job that failed is a surprise: our bug or our infrastructure. */
export function logJobFailure(
  log: Logger,
  { queue, job, reason, final, error }: JobFailure<ClientQueue>,
): void {
  log.error({ event: 'job.failed', queue, client: job?.client, reason, final, err: error }, 'a job failed')
}
