import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createFetchDocument } from '@cimd/egress'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arena, startArena } from './arena.ts'
import type { BehaviourName } from './behaviours.ts'

const SCRIPT = fileURLToPath(new URL('processes/fetch-once.ts', import.meta.url))
const run = promisify(execFile)
/** What is honest is not cut off on a busy machine. */
const PATIENTLY = { deadlineMs: 10_000 }

describe('the process around a fetch', () => {
  let arena: Arena
  beforeAll(async () => {
    arena = await startArena()
  })
  afterAll(() => arena[Symbol.asyncDispose]())

  /** What a process of its own with these variables gets of a server that behaves so. */
  async function fetchUnder(
    environment: Readonly<Record<string, string>>,
    behaviour: BehaviourName,
    ca: string | null = arena.origin.ca,
  ) {
    const order = { host: 'client.example.org', port: arena.origin.portOf(behaviour), ca }
    const { stdout } = await run(process.execPath, [SCRIPT, JSON.stringify(order)], {
      env: { PATH: process.env['PATH'], ...environment },
    })
    return JSON.parse(stdout)
  }
  const accepted = { kind: 'fetched', parsed: true }
  const refused = { kind: 'failed', code: 'tls_certificate_invalid' }

  it('FET-16, env-env-node-use-env-proxy: no proxy of the environment is used', async () => {
    const environment = {
      NODE_USE_ENV_PROXY: '1',
      HTTPS_PROXY: 'http://127.0.0.1:9',
      ALL_PROXY: 'http://127.0.0.1:9',
    }
    expect(await fetchUnder(environment, 'ok')).toEqual(accepted)
  })

  it('FET-24, env-env-tls-reject-0: certificates are verified whatever the environment says', async () => {
    expect(await fetchUnder({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'tls_selfsigned')).toEqual(refused)
    expect(await fetchUnder({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, 'tls_wrong_name')).toEqual(refused)
  })

  it('FET-24, env-env-extra-ca: authorities of the environment are not trusted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cimd-attack-'))
    const file = join(directory, 'ca.pem')
    writeFileSync(file, arena.origin.ca)
    const environment = { NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: file, NODE_USE_SYSTEM_CA: '1' }
    expect(await fetchUnder(environment, 'ok', null)).toEqual(refused)
    rmSync(directory, { recursive: true })
  })

  it('FET-16, env-lookup-never-called: a name that was resolved is never looked up again', async () => {
    expect(await fetchUnder({}, 'ok')).toEqual(accepted)
  })

  it('FET-16, env-cross-tenant-keepalive: two fetches share neither a connection nor a TLS session', async () => {
    const before = arena.origin.accepted
    expect((await arena.fetchFrom('ok', PATIENTLY)).codes).toEqual([])
    expect((await arena.fetchFrom('ok', PATIENTLY)).codes).toEqual([])
    await arena.origin.drained()
    expect(arena.origin.accepted - before).toBe(2)
    expect(arena.origin.resumedSessions).toBe(0)
  })

  it('env-poisoned-idle-response: an answer sent ahead is nobody’s', async () => {
    for (const behaviour of ['extra_after', 'keepalive_poison', 'extra_after', 'ok'] as const) {
      expect((await arena.fetchFrom(behaviour, PATIENTLY)).codes).toEqual([])
    }
  })

  it('FET-23, env-abort-before-connect: nothing is opened for a caller that has given up', async () => {
    const before = arena.origin.accepted
    const fetchDocument = createFetchDocument({
      ...{ userAgent: 'cimd-attack', ca: arena.origin.ca, dial: arena.origin.dialFor('ok') },
      resolve: async () => ['93.184.215.14'],
    })
    const url = 'https://client.example.org/client.json' as Parameters<typeof fetchDocument>[0]['url']
    await expect(fetchDocument({ url }, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(arena.origin.accepted).toBe(before)
  })
})
