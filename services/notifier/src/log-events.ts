import type { PostResult } from '@cimd/core'
import type { JobFailure } from '@cimd/queue'
import type { Logger } from '@cimd/runtime'
import type { LaneClaim } from '@cimd/store'
import type { ToldEvent, VerificationEnd } from './deliver-lane.ts'

/** Logs how one delivery ended: neither what was told nor what was answered, and of the URL, which may be a secret, its host. */
export function logTold(log: Logger, { claim, result, settled }: ToldEvent): void {
  const { event, attempts } = claim.told
  const about = {
    ...{ ...ofLane(claim), event_id: event.id, type: event.type, attempt: attempts + 1 },
    ...ofResult(result),
  }
  if (settled.kind === 'lost') {
    log.warn({ event: 'delivery.lost', ...about }, 'the claim was lost meanwhile: it is told again')
    return
  }
  const { delivery, code, nextAt, disabled } = settled.verdict
  if (delivery === 'delivered') {
    log.debug({ event: 'delivery.delivered', ...about }, 'delivered')
    return
  }
  const followed = { code, given_up: delivery === 'dead', next_at: nextAt }
  log.info({ event: 'delivery.failed', ...about, ...followed }, 'a delivery failed')
  if (disabled !== undefined) logDisabled(log, claim, disabled)
}

/** Logs how one verification of an endpoint ended. */
export function logVerification(log: Logger, { claim, result, settled }: VerificationEnd): void {
  const about = { ...ofLane(claim), ...ofResult(result) }
  if (settled === 'verified') {
    log.info({ event: 'subscription.verified', ...about }, 'an endpoint is verified')
    return
  }
  if (settled === undefined) {
    log.warn({ event: 'verification.lost', ...about }, 'the claim was lost meanwhile')
    return
  }
  log.info({ event: 'verification.failed', ...about }, 'an endpoint did not return its challenge')
  if (settled === 'given_up') logDisabled(log, claim, 'unverified')
}

function logDisabled(log: Logger, claim: LaneClaim, code: string): void {
  log.warn({ event: 'subscription.disabled', ...ofLane(claim), code }, 'a subscription is told nothing more')
}

/** A job that failed is a surprise: our bug or our infrastructure. */
export function logJobFailure(log: Logger, { job, reason, final, error }: JobFailure<'deliver'>): void {
  log.error({ event: 'job.failed', queue: 'deliver', ...job, reason, final, err: error }, 'a job failed')
}

function ofLane({ subscription, lane, tenant, url }: LaneClaim) {
  return { subscription, lane, tenant, host: URL.parse(url)?.host }
}

function ofResult(result: PostResult) {
  const { dialledAddress: address, times } = result.evidence
  if (result.kind === 'answered') return { status: result.status, address, times }
  return { failure_code: result.code, detail: result.detail, address, times }
}
