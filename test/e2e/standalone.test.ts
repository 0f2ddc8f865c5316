import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type ApiClient, createApiClient } from '../harness/api-client.ts'
import { createAuthority } from '../harness/authority.ts'
import { documentOf, jsonReply, publish, serveAt } from '../harness/documents.ts'
import { makeHome, untilNothingRemains } from '../harness/embedded-owner.ts'
import { eventsUntil, typesOf } from '../harness/events.ts'
import { DEFAULT_ADDRESSES, holdOpen, type Origin, startOrigin } from '../harness/origin.ts'
import { type ServiceProcess, startPatiently } from '../harness/service-process.ts'

/** A database takes its time to end on a busy machine. */
const PATIENCE_MS = 60_000

const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

describe('npm start', () => {
  it('answers with the same tenant, key and records after it was killed', async () => {
    const { origin, start } = await setup()
    const first = await start()
    const clientId = publish(origin)
    const before = await first.api.resolve({ client_id: clientId })
    expect(before.status).toBe(200)
    first.process.kill('SIGKILL')
    await first.process.exited

    const second = await start(first.api.key)
    expect(second.process.told['apiKey']).toBeUndefined()
    const after = await second.api.resolve({ client_id: clientId, wait_ms: 0 })
    expect(after.body).toEqual(before.body)
    expect(origin.hits(clientId)).toBe(1)
    const events = await eventsUntil(second.api, (seen) => typesOf(seen, clientId).length > 0)
    expect(typesOf(events, clientId)).toEqual(['client.discovered'])
  })

  it('loses none of 50 running fetches at Ctrl-C', async () => {
    const { origin, start } = await setup()
    const first = await start(undefined, { CIMD_FETCH_CONCURRENCY: '50', CIMD_DOMAIN_CONCURRENCY: '50' })
    const clientIds = Array.from({ length: 50 }, (_, i) => publish(origin, {}, `host-${i % 10}.example.net`))
    const held = clientIds.map((clientId) => holdOpen(jsonReply(documentOf(clientId))))
    for (const [i, clientId] of clientIds.entries()) serveAt(origin, clientId, present(held[i]).handler)
    const arrived = clientIds.map((clientId) => origin.nextRequest(clientId))
    const asked = clientIds.map((clientId) => first.api.resolve({ client_id: clientId, wait_ms: 20_000 }))
    // On a slow machine the first may meet their deadline before the last have begun.
    await Promise.all(asked.map((answer, i) => Promise.race([answer, arrived[i]])))
    first.process.kill('SIGINT')
    for (const { release } of held) release()
    const answers = await Promise.all(asked)
    expect(await first.process.exited).toBe(0)
    expect(first.process.log.filter(({ event }) => event === 'stop.late')).toEqual([])

    const second = await start(first.api.key)
    const ends = await Promise.all(
      answers.map((answer) =>
        answer.status === 202 ? second.api.ticket(answer.body.ticket, 30_000) : answer,
      ),
    )
    const met = ends.filter(({ status, body }) => status === 502 && body.code.startsWith('timeout_'))
    expect(met.length).toBeLessThan(clientIds.length)
    expect(ends.filter((end) => !met.includes(end)).map(({ status }) => status)).toEqual(
      Array(clientIds.length - met.length).fill(200),
    )
  })

  it.each([
    ['SIGINT', 0],
    ['SIGTERM', 0],
    ['SIGKILL', undefined],
  ] as const)('leaves no process, socket or lock behind after %s', async (signal, code) => {
    const { directory, start } = await setup()
    const { process: running } = await start()
    running.kill(signal)
    expect(await running.exited).toBe(code)
    expect(await untilNothingRemains(directory, PATIENCE_MS)).toEqual([])
  })

  it('ends at once at the second Ctrl-C, and leaves nothing behind', async () => {
    const { directory, origin, start } = await setup()
    const { process: running, api } = await start(undefined, { CIMD_FETCH_DEADLINE_MS: '6000' })
    const clientId = publish(origin)
    serveAt(origin, clientId, holdOpen(jsonReply(documentOf(clientId))).handler)
    const arrived = origin.nextRequest(clientId)
    const asked = api.resolve({ client_id: clientId, wait_ms: 20_000 })
    await arrived
    running.kill('SIGINT')
    // Whoever waits is told when the stop begins; the fetch under way still holds it up.
    expect((await asked).status).toBe(202)
    running.kill('SIGINT')
    expect(await running.exited).toBe(1)
    expect(await untilNothingRemains(directory, PATIENCE_MS)).toEqual([])
  })

  it('says that its port is taken, and leaves nothing behind', async () => {
    const { directory, start } = await setup()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    undo.push(async () => void taken.close())
    const port = String((taken.address() as { port: number }).port)
    const failure = await start(undefined, { CIMD_API_PORT: port }).catch((error) => error)
    expect(failure.exitCode).toBe(1)
    expect(failure.said).toMatch(/CIMD_API_PORT.*EADDRINUSE/)
    expect(await untilNothingRemains(directory, PATIENCE_MS)).toEqual([])
  })

  it('says so when another instance runs in the same folder', async () => {
    const { start } = await setup()
    const first = await start()
    const failure = await start().catch((error) => error)
    expect(failure.exitCode).toBe(1)
    expect(failure.said).toContain(`${first.process.pid}`)
  })
})

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('absent')
  return value
}

type Started = { readonly process: ServiceProcess; readonly api: ApiClient }

/** A folder and an origin of the test's own, and how to start all services on them. */
async function setup() {
  const home = await makeHome()
  undo.push(() => home[Symbol.asyncDispose]())
  const origin = await startOrigin({ hosts: [], authority: await createAuthority() })
  undo.push(origin.close)
  const directory = join(home.path, 'data')
  const start = async (key?: string, environment: Record<string, string> = {}): Promise<Started> => {
    const running = await startPatiently('standalone', {
      ...settings(directory, origin),
      ...environment,
    })
    undo.push(async () => {
      running.kill('SIGKILL')
      await running.exited
    })
    const { apiUrl, apiKey } = running.told as { apiUrl: string; apiKey?: string }
    return { process: running, api: createApiClient(() => apiUrl, apiKey ?? key ?? '') }
  }
  return { directory: home.path, origin, start }
}

function settings(directory: string, origin: Origin): Record<string, string> {
  const network = { port: origin.port, ca: origin.ca, defaultAddresses: DEFAULT_ADDRESSES }
  return {
    CIMD_DATA_DIRECTORY: directory,
    CIMD_API_PORT: '0',
    CIMD_LOG_LEVEL: 'info',
    CIMD_TEST_NETWORK: JSON.stringify(network),
  }
}
