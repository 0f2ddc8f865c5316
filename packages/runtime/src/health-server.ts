import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Named checks of what a process works with; each rejects while its part does not answer. One that is not
 * `required` is reported, and leaves the process ready.
 */
export type HealthChecks = Readonly<Record<string, HealthCheck>>

export type HealthCheck =
  | (() => Promise<void>)
  | { readonly required: false; readonly check: () => Promise<void> }

export type HealthAnswer = {
  readonly status: number
  readonly body: { readonly status: string; readonly checks?: readonly CheckResult[] }
}

type CheckResult = {
  readonly name: string
  readonly required: boolean
  readonly ok: boolean
  readonly error?: string
}

/** `/health/live`: the event loop turns. `/health/ready`: everything the process needs answers, and it is not stopping. */
export async function answerHealth(
  path: string,
  checks: HealthChecks,
  isStopping: () => boolean,
): Promise<HealthAnswer | undefined> {
  if (path === '/health/live') return { status: 200, body: { status: 'live' } }
  if (path !== '/health/ready') return undefined
  const results = await Promise.all(Object.entries(checks).map(([name, check]) => runCheck(name, check)))
  const failing = results.filter((result) => result.required && !result.ok)
  const ready = failing.length === 0 && !isStopping()
  return {
    status: ready ? 200 : 503,
    body: { status: ready ? 'ready' : isStopping() ? 'stopping' : 'not_ready', checks: results },
  }
}

/** A probe must be answered while what it asks about hangs. */
const CHECK_TIMEOUT_MS = 3000

async function runCheck(name: string, given: HealthCheck): Promise<CheckResult> {
  const { required, check } = typeof given === 'function' ? { required: true, check: given } : given
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer in ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS)
  try {
    await Promise.race([check(), late])
    return { name, required, ok: true }
  } catch (error) {
    return {
      name,
      required,
      ok: false,
      error: error instanceof Error ? error.message || error.name : String(error),
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Serves the health endpoints for a process that has no HTTP server of its own. */
export async function startHealthServer(options: {
  readonly host: string
  readonly port: number
  readonly checks: HealthChecks
  readonly isStopping: () => boolean
}): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    const answer = await answerHealth(request.url ?? '', options.checks, options.isStopping)
    response.writeHead(answer?.status ?? 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer?.body ?? { status: 'not_found' }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
