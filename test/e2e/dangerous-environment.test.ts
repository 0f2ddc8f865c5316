import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)

// Nobody listens there, so that a process which refuses nothing ends as well, by something else.
const STORES = { CIMD_DATABASE_URL: 'postgres://127.0.0.1:1/x', CIMD_QUEUE_URL: 'redis://127.0.0.1:1' }
const PROXY = { HTTPS_PROXY: 'http://127.0.0.1:9' }
const PRODUCTION = { CIMD_ENV: 'production' }

describe('what would weaken the fetch', () => {
  it.each([
    ['fetcher', PROXY, [], 'HTTPS_PROXY'],
    ['fetcher', { NODE_OPTIONS: '--tls_min_v1.0' }, [], 'NODE_OPTIONS'],
    ['fetcher', {}, ['--use_env_proxy'], '--use_env_proxy'],
    ['notifier', PROXY, [], 'HTTPS_PROXY'],
    ['notifier', {}, ['--use_env_proxy'], '--use_env_proxy'],
    ['standalone', { ...PRODUCTION, ...PROXY }, [], 'HTTPS_PROXY'],
    ['standalone', PRODUCTION, ['--use_system_ca'], '--use_system_ca'],
  ])(
    'FET-16, FET-24: keeps the %s from starting with %j and %j',
    async (service, environment, args, name) => {
      const { code, stderr } = await failureOf(service, environment, args)
      expect(stderr).toContain(`${name}: leave it out`)
      expect(code).toBe(78)
    },
  )

  it('does not keep standalone from starting in development, nor the fetcher without it', async () => {
    for (const failure of [await failureOf('standalone', PROXY, []), await failureOf('fetcher', {}, [])]) {
      expect(failure.stderr).toContain('ECONNREFUSED')
      expect(failure.code).toBe(1)
    }
  })
})

/** How the program itself ends, which the other tests start by a program of their own. */
async function failureOf(service: string, environment: Record<string, string>, args: readonly string[]) {
  const program = fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url))
  const started = run(process.execPath, [...args, program], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], ...STORES, ...environment },
  })
  return started.then(
    () => ({ code: 0, stderr: '' }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  )
}
