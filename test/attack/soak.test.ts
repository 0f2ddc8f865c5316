import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { soak } from '../soak/soak.ts'

const MAIN = fileURLToPath(new URL('../soak/main.ts', import.meta.url))
const FETCHES = 240
const DEADLINE_MS = 150
const run = promisify(execFile)

describe('a soak', () => {
  it('FET-10, FET-23: ends every fetch as it must and leaves nothing behind', {
    timeout: 60_000,
  }, async () => {
    const result = await soak({
      ...{ limit: { fetches: FETCHES }, roundFetches: FETCHES / 2, concurrency: 16, seed: 1 },
      ...{ deadlineMs: DEADLINE_MS, leaks: [] },
    })
    expect(result).toMatchObject({
      ...{ fetches: FETCHES, forbiddenDials: 0, openConnections: 0 },
      ...{ tally: { wrong: [] }, left: { resources: [], descriptors: 0, listeners: 0 } },
    })
  })

  it('fails, and says why, when memory, a socket, a timer and a listener are left behind', async () => {
    const leaks = ['100000', 'socket', 'timer', 'listener'].flatMap((leak) => ['--leak', leak])
    const sizes = ['--fetches', `${FETCHES}`, '--deadline-ms', `${DEADLINE_MS}`, '--concurrency', '16']
    const failure = await run(process.execPath, [MAIN, ...sizes, ...leaks]).then(
      () => expect.fail('it passed'),
      (error) => error,
    )
    expect(failure.code).toBe(1)
    expect(failure.stdout).toMatch(/^✗ memory held by JavaScript grows by \d{5,} bytes per fetch$/m)
    expect(failure.stdout).toMatch(/^✗ left behind: (Timeout, TCPSocketWrap|TCPSocketWrap, Timeout)$/m)
    expect(failure.stdout).toMatch(/^✗ 1 listeners left on signals of callers$/m)
    expect(failure.stdout).toMatch(/^✗ 1 connections left open at the servers$/m)
  }, 60_000)
})
