import type { Logger } from '@cimd/runtime'
import type { ResourceEnd, ResourceFault } from './fetch-resource.ts'

/** One canonical line for every fetch of a key set or a logo. */
export function logResourceEnd(log: Logger, queue: string, end: ResourceEnd | ResourceFault): void {
  const claim = end.kind === 'recorded' ? end.record.claim : end.claim
  const { client, clientId: client_id, kind, url } = claim
  const about = { queue, client, client_id, kind, url }
  if (end.kind === 'deferred') {
    log.info({ event: 'resource.deferred', ...about, failure_code: end.code }, 'the budget asks to wait')
    return
  }
  if (end.kind === 'postponed') {
    log.info({ event: 'resource.postponed', ...about }, 'all logo decoders are busy')
    return
  }
  if (end.kind === 'faulted') {
    const { error, pauseSeconds } = end
    log.error(
      {
        event: 'resource.faulted',
        ...about,
        pause_seconds: pauseSeconds && Math.round(pauseSeconds),
        err: error,
      },
      'a fault of ours kept this from being fetched: it is left alone for a while',
    )
    return
  }
  const { record, result, applied } = end
  const { status, dialledAddress, bodyBytes, times } = result.evidence
  log.info(
    {
      event: 'resource.attempted',
      ...about,
      outcome: record.failure === undefined ? result.kind : 'failed',
      failure_code: record.failure?.code,
      detail: record.failure?.detail,
      applied,
      state: record.standing.state,
      events: record.events.map((event) => event.type),
      status,
      address: dialledAddress,
      body_bytes: bodyBytes,
      times,
      next_attempt_at: record.nextAttemptAt,
    },
    'resource attempted',
  )
}
