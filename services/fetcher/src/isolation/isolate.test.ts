import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { stranger, unfetchedKeys } from '../claims.fixture.ts'
import type { WayOutConfig } from '../way-out.ts'
import { createIsolation, type Isolation } from './isolate.ts'
import { type Death, nodeFlags } from './isolated-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'isolation-'))
afterAll(() => rmSync(folder, { recursive: true }))

const OWN = fileURLToPath(new URL('../main-isolated.ts', import.meta.url))
const noAbort = new AbortController().signal
const request = { url: stranger.clientId, resource: 'document' } as const
const evaluation = { finishedAt: new Date('2026-11-20T12:00:00Z'), jitter: 0 }
const wayOut: WayOutConfig['wayOut'] = {
  ...{ userAgent: 'test', proxy: undefined, dnsServers: [], dangerouslyAllowLoopback: false },
  addresses: { deniedBlocks: [], nat64Prefixes: [] },
}

let scripts = 0

/** A script that says it is ready, and then does this for each question. */
function scriptOf(onAsked: string, ready = "process.send({ kind: 'ready' })"): string {
  scripts += 1
  const path = join(folder, `${scripts}.mjs`)
  writeFileSync(path, `process.on('message', (asked) => { ${onAsked} })\n${ready}\n`)
  return path
}
const ANSWER =
  "if (asked.kind === 'fetch') process.send({ kind: 'fetched', result: { kind: 'failed', code: 'status_5xx' } })"

/** By default it has more time than a busy machine needs to see it die. */
function setup(script: string, deadlineMs = 20_000) {
  const deaths: Death[] = []
  const fetch = { deadlineMs, bodyBytesMax: { document: 5120 }, allowedPorts: [443] }
  const take = createIsolation({
    ...{ config: { fetch, wayOut }, script: { script, environment: {} } },
    onDeath: (_, death) => deaths.push(death),
  })
  const begin = (): Isolation => {
    const isolation = take()
    if (isolation === undefined) throw new Error('another is at work')
    return isolation
  }
  return { take, begin, deaths }
}

describe('what is worked in a process of its own', () => {
  it('is fetched and judged as everything is, without an address being dialled that must not be', async () => {
    const { begin, deaths } = setup(OWN)
    using isolation = begin()
    const blocked = { url: 'https://127.0.0.1/client.json', resource: 'document' } as const
    const result = await isolation.fetch(blocked, noAbort)
    expect(result).toMatchObject({ kind: 'failed', code: 'address_blocked' })
    const record = await isolation.evaluateDocument(stranger, evaluation)
    expect(record).toMatchObject({
      ...{ outcome: 'failed', failure: { code: 'address_blocked' }, examined: false },
      finishedAt: evaluation.finishedAt,
    })
    expect(record.claim).toBe(stranger)
    expect(await isolation.evaluateKeys(unfetchedKeys, evaluation)).toMatchObject({
      failure: { code: 'address_blocked' },
    })
    expect(deaths).toEqual([])
  })

  it.each<[string, string, RegExp, number?]>([
    ['crashes', 'process.abort()', /ended with SIGABRT/],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", /ended with SIGKILL/],
    ['throws', 'throw new Error("bug")', /ended with status 1/],
    ['rejects', 'Promise.reject(new Error("bug"))', /ended with status 1/],
    ['spins', 'for (;;);', /the fetch took longer than 3500 ms/, 500],
    ['waits for ever', '', /the fetch took longer than 3500 ms/, 500],
    ['takes too much memory', 'globalThis.kept = Buffer.alloc(600 * 1024 ** 2, 1)', /of memory/],
    ['writes a file', `process.getBuiltinModule('fs').writeFileSync('${folder}/written', '')`, /status 1/],
    ['starts a process', "process.getBuiltinModule('child_process').spawnSync('true')", /status 1/],
  ])('is recorded as quarantined where the process %s', async (_, onAsked, how, deadlineMs) => {
    const { begin, deaths } = setup(scriptOf(onAsked), deadlineMs)
    using isolation = begin()
    expect(await isolation.fetch(request, noAbort)).toMatchObject({ kind: 'failed', code: 'quarantined' })
    const record = await isolation.evaluateDocument(stranger, evaluation)
    expect(record).toMatchObject({
      ...{
        outcome: 'failed',
        failure: { code: 'quarantined', detail: expect.stringMatching(how) },
        examined: false,
      },
      events: [{ type: 'client.quarantined' }],
    })
    expect(record.standing.quarantine?.since).toEqual(evaluation.finishedAt)
    expect(await isolation.evaluateKeys(unfetchedKeys, evaluation)).toMatchObject({
      ...{ failure: { code: 'quarantined' }, nextAttemptAt: new Date('2026-11-21T12:00:00Z') },
      events: [{ type: 'client.quarantined', data: { resource: 'jwks' } }],
    })
    expect(deaths).toEqual([expect.objectContaining({ how: expect.stringMatching(how) })])
  })

  it('is recorded as quarantined also where judging it is what kills', async () => {
    const { begin, deaths } = setup(scriptOf(`${ANSWER}; else process.abort()`))
    using isolation = begin()
    expect(await isolation.fetch(request, noAbort)).toMatchObject({ code: 'status_5xx' })
    const record = await isolation.evaluateDocument(stranger, evaluation)
    expect(record).toMatchObject({ failure: { code: 'quarantined' } })
    expect(deaths).toHaveLength(1)
  })

  it('has all the time it takes between two questions', async () => {
    const { begin } = setup(
      scriptOf(`${ANSWER}; else process.send({ kind: 'document', record: { isJudged: true } })`),
      2000,
    )
    using isolation = begin()
    await isolation.fetch(request, noAbort)
    // Longer than that question might take.
    await new Promise((resolve) => setTimeout(resolve, 5500))
    expect(await isolation.evaluateDocument(stranger, evaluation)).toEqual({
      isJudged: true,
      claim: stranger,
    })
  })

  it('says nothing of it where the process cannot be started', async () => {
    for (const script of [scriptOf('', 'throw new Error("no such machine")'), join(folder, 'missing.mjs')]) {
      const { begin, deaths } = setup(script)
      using isolation = begin()
      await expect(isolation.fetch(request, noAbort)).rejects.toThrow(
        /did not start: it ended with status 1: /,
      )
      expect(deaths).toEqual([])
    }
  })

  it.each([
    ['that has no permission for the network', [], false],
    ['that has one', ['--allow-net'], true],
  ])('is started by a Node %s, with no flag that it does not know', (_, known, isNamed) => {
    expect(nodeFlags(new Set(known)).includes('--allow-net')).toBe(isNamed)
  })

  it('is no death where it is aborted', async () => {
    const { begin, deaths } = setup(scriptOf(''))
    using isolation = begin()
    await expect(isolation.fetch(request, AbortSignal.abort(new Error('stopping')))).rejects.toThrow(
      'stopping',
    )
    await expect(isolation.fetch(request, AbortSignal.timeout(700))).rejects.toThrow(/timeout/)
    expect(deaths).toEqual([])
  })

  it('is one thing at a time', () => {
    const { take } = setup(OWN)
    const first = take()
    expect(take()).toBeUndefined()
    first?.[Symbol.dispose]()
    expect(take()).toBeDefined()
  })

  it.each([[ANSWER.replace('fetched', 'document'), 'answered document, not fetched']])(
    'is trusted with no answer but that to its question',
    async (onAsked, message) => {
      using isolation = setup(scriptOf(onAsked)).begin()
      await expect(isolation.fetch(request, noAbort)).rejects.toThrow(message)
    },
  )

  it('is not judged before it is fetched', async () => {
    using isolation = setup(OWN).begin()
    await expect(isolation.evaluateDocument(stranger, evaluation)).rejects.toThrow(
      'before anything was fetched',
    )
  })
})
