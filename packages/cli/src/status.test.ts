import type { StoreStatus } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { runStatus, type StatusDeps } from './status.ts'

const STATUS: StoreStatus = {
  schemaVersion: 5,
  environment: 'production',
  clients: { discovering: 1, valid: 10, failing: 0, withdrawn: 0, rejected: 2 },
  versions: 14,
  attemptsLastHour: [
    { outcome: 'not_modified', failureCode: undefined, count: 12 },
    { outcome: 'failed', failureCode: 'status_404', count: 3 },
    { outcome: 'failed', failureCode: 'of_a_later_release', count: 1 },
  ],
  dueNow: 3,
  oldestDueSeconds: 200,
  outboxWaiting: 1,
  auditWaiting: 2,
  brake: undefined,
}
const EMPTY: StoreStatus = {
  ...STATUS,
  clients: { discovering: 0, valid: 0, failing: 0, withdrawn: 0, rejected: 0 },
  attemptsLastHour: [],
  dueNow: 0,
  oldestDueSeconds: undefined,
}
const COUNTS = { waiting: 1, active: 2, delayed: 3, failed: 4 }

async function status(given: Partial<StatusDeps> & { readonly json?: boolean } = {}) {
  const { output, stdout, stderr } = captureOutput()
  const deps = {
    output,
    readStatus: async () => STATUS,
    countQueues: async () => ({ fetch: COUNTS, refresh: COUNTS, deliver: COUNTS }),
    ...given,
  }
  const exitCode = await runStatus(deps, { json: given.json })
  return { exitCode, stdout: stdout(), stderr: stderr() }
}

describe('status', () => {
  it('shows the store and the queues', async () => {
    const { exitCode, stdout } = await status()
    expect(exitCode).toBe(0)
    expect(stdout).toMatchInlineSnapshot(`
      "  store     schema 5, production
        clients   13 (1 discovering, 10 valid, 2 rejected)
        versions  14
        due now   3, the oldest for 3 min
        outbox    1 event waiting
        audit     2 waiting
        brake     not engaged

      ATTEMPTS OF THE LAST HOUR   COUNT
      not modified                12
      failed: status_404          3      The document is not there (404).
      failed: of_a_later_release  1

      QUEUE    WAITING  ACTIVE  DELAYED  FAILED
      fetch    1        2       3        4
      refresh  1        2       3        4
      deliver  1        2       3        4
      "
    `)
  })

  it('shows that there is nothing yet', async () => {
    const { stdout } = await status({ readStatus: async () => EMPTY })
    expect(stdout).toMatch(/clients {3}0\n/)
    expect(stdout).toMatch(/due now {3}0\n/)
    expect(stdout).toContain('No attempts in the last hour.')
  })

  it('shows an engaged brake, and which command tells more', async () => {
    const engagedAt = new Date('2026-11-20T12:00:00Z')
    const brake = { engagedAt, heldFrom: new Date('2026-11-20T11:00:00Z'), reason: '1 of 1 would end' }
    const readStatus = async () => ({ ...STATUS, brake })
    const { stdout } = await status({ readStatus })
    expect(stdout).toContain(
      'brake     engaged since 2026-11-20 12:00:00 UTC: 1 of 1 would end (cimd brake)\n',
    )
    expect(JSON.parse((await status({ readStatus, json: true })).stdout).brake).toEqual({
      engaged_at: '2026-11-20T12:00:00.000Z',
      held_from: '2026-11-20T11:00:00.000Z',
      reason: '1 of 1 would end',
    })
  })

  it('shows the store when the queue is down, and ends with 1', async () => {
    const countQueues = () => Promise.reject(new Error('the queue (CIMD_QUEUE_URL) cannot be used'))
    const { exitCode, stdout, stderr } = await status({ countQueues })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('13 (1 discovering, 10 valid, 2 rejected)')
    expect(stderr).toBe('cimd: the queue (CIMD_QUEUE_URL) cannot be used\n')
    expect(JSON.parse((await status({ countQueues, json: true })).stdout)).toMatchObject({ queues: null })
  })

  it('gives every number as JSON', async () => {
    expect(JSON.parse((await status({ json: true })).stdout)).toEqual({
      schema_version: 5,
      environment: 'production',
      clients: STATUS.clients,
      versions: 14,
      attempts_last_hour: [
        { outcome: 'not_modified', failure_code: null, count: 12 },
        { outcome: 'failed', failure_code: 'status_404', count: 3 },
        { outcome: 'failed', failure_code: 'of_a_later_release', count: 1 },
      ],
      due_now: 3,
      oldest_due_seconds: 200,
      outbox_waiting: 1,
      audit_waiting: 2,
      brake: null,
      queues: { fetch: COUNTS, refresh: COUNTS, deliver: COUNTS },
    })
  })
})
