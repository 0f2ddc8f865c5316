import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { answerHealth, type HealthChecks, startHealthServer } from './health-server.ts'

const passes = async () => {}
const fails = (error: unknown) => () => Promise.reject(error)
const running = () => false

describe('answerHealth', () => {
  it('says live whatever fails: a restart would not mend the store', async () => {
    const answer = await answerHealth('/health/live', { store: fails(new Error('down')) }, () => true)
    expect(answer).toEqual({ status: 200, body: { status: 'live' } })
  })

  it('says ready when every check passes', async () => {
    expect(await answerHealth('/health/ready', { store: passes, queue: passes }, running)).toEqual({
      status: 200,
      body: {
        status: 'ready',
        checks: [
          { name: 'store', required: true, ok: true },
          { name: 'queue', required: true, ok: true },
        ],
      },
    })
  })

  it.each<[string, unknown, string]>([
    ['with its message', new Error('connection refused'), 'connection refused'],
    ['by its name if it has no message', new AggregateError([]), 'AggregateError'],
    ['as text if it is no error', 'down', 'down'],
  ])('names each check that fails, %s', async (_, error, expected) => {
    expect(await answerHealth('/health/ready', { store: fails(error), queue: passes }, running)).toEqual({
      status: 503,
      body: {
        status: 'not_ready',
        checks: [
          { name: 'store', required: true, ok: false, error: expected },
          { name: 'queue', required: true, ok: true },
        ],
      },
    })
  })

  it('runs the checks together', async () => {
    const begun: string[] = []
    const bothBegan = Promise.withResolvers<void>()
    const check = (name: string) => () => {
      begun.push(name)
      if (begun.length === 2) bothBegan.resolve()
      return bothBegan.promise
    }
    await answerHealth('/health/ready', { store: check('store'), queue: check('queue') }, running)
    expect(begun).toEqual(['store', 'queue'])
  })

  it('is not ready while stopping, though all checks pass', async () => {
    const answer = await answerHealth('/health/ready', { store: passes }, () => true)
    expect(answer).toMatchObject({ status: 503, body: { status: 'stopping' } })
  })

  it.each(['/', '/health', '/health/ready/', '/health/readyz'])('knows no %s', async (path) => {
    expect(await answerHealth(path, {}, running)).toBeUndefined()
  })
})

describe('startHealthServer', () => {
  async function setup(checks: HealthChecks = {}, isStopping = running) {
    const server = await startHealthServer({ host: '127.0.0.1', port: 0, checks, isStopping })
    return {
      ...server,
      get: (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`),
      [Symbol.asyncDispose]: server.close,
    }
  }

  it('serves the answers as JSON on a port of its own', async () => {
    await using server = await setup({ store: passes })
    const response = await server.get('/health/ready')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ status: 'ready' })
  })

  it('serves a failure with its status', async () => {
    await using server = await setup({ store: fails(new Error('down')) })
    const response = await server.get('/health/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ status: 'not_ready' })
  })

  it('asks anew for every request', async () => {
    let stopping = false
    await using server = await setup({}, () => stopping)
    expect((await server.get('/health/ready')).status).toBe(200)
    stopping = true
    expect((await server.get('/health/ready')).status).toBe(503)
  })

  it('answers 404 to anything else', async () => {
    await using server = await setup()
    expect((await server.get('/metrics')).status).toBe(404)
  })

  it('closes though a connection is kept alive, and listens no more', async () => {
    const server = await setup()
    await (await server.get('/health/live')).text()
    await server.close()
    await expect(server.get('/health/live')).rejects.toThrow()
  })

  it('rejects when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const options = { host: '127.0.0.1', port, checks: {}, isStopping: running }
    await expect(startHealthServer(options)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    other.close()
    await once(other, 'close')
  })
})

it('answers not ready although a check never ends', async () => {
  vi.useFakeTimers()
  try {
    const answer = answerHealth('/health/ready', { stuck: () => new Promise(() => {}) }, () => false)
    await vi.advanceTimersByTimeAsync(3000)
    expect(await answer).toMatchObject({
      status: 503,
      body: { checks: [{ name: 'stuck', required: true, ok: false }] },
    })
  } finally {
    vi.useRealTimers()
  }
})
