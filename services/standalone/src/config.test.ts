import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'

const EXAMPLE = new URL('../../../.env.example', import.meta.url)

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    loadConfig(environment)
  } catch (error) {
    return (error as { problems: readonly string[] }).problems
  }
  return []
}

describe('the configuration of npm start', () => {
  it('needs nothing at all', () => {
    expect(problemsOf({ PATH: '/bin' })).toEqual([])
  })

  it('is what .env.example says where nothing is changed', () => {
    const uncommented = parseEnv(readFileSync(EXAMPLE, 'utf8').replaceAll(/^# (?=CIMD_\w+=)/gm, ''))
    expect(Object.keys(uncommented)).toContain('CIMD_LOG_LEVEL')
    expect(configOf(uncommented)).toEqual(configOf({}))
  })

  it.each([
    ['CIMD_ENV', 'prod', 'must be development or production (found "prod")'],
    ['CIMD_DATABASE_URL', 'mysql://root:secret@db/x', /such as postgres:.* \(found mysql:\/\/…\)$/],
    ['CIMD_DATABASE_URL', 'localhost', /such as postgres:.* \(found .*\)$/],
    ['CIMD_QUEUE_URL', 'amqp://queue', /such as redis:.* \(found amqp:\/\/…\)$/],
    ['CIMD_LOG_LEVEL', 'verbose', /^must be one of trace, debug, .* \(found "verbose"\)$/],
    ['CIMD_API_PORT', '70000', 'must be a whole number from 0 to 65535 (found "70000")'],
    ['CIMD_FETCH_DEADLINE_MS', '5s', 'must be a whole number from 1 to 6000 (found "5s")'],
    ['CIMD_FETCH_CONCURRENCY', '0', 'must be a whole number of at least 1 (found "0")'],
    ['CIMD_FETCH_BODY_BYTES_MAX', '1000000', 'must be a whole number from 1 to 65536 (found "1000000")'],
    ['CIMD_USER_AGENT', 'caf\u00e9', 'must be printable ASCII (found "caf\u00e9")'],
    ['CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS', 'yes', 'must be true or false (found "yes")'],
    ['CIMD_DATABSE_URL', 'postgres://db/x', 'there is no such variable; docs/configuration.md lists them'],
  ])('says of %s=%s what was found and what is allowed, once', (name, value, expected) => {
    const problems = problemsOf({ [name]: value })
    expect(problems).toHaveLength(1)
    const [variable, said] = (problems[0] ?? '').split(/: (.*)/s)
    expect(variable).toBe(name)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
    expect(said).not.toContain('secret')
  })

  it('refuses loopback targets in production (FET-15), with every other problem beside it', () => {
    const problems = problemsOf({
      CIMD_ENV: 'production',
      CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true',
      CIMD_API_PORT: 'http',
    })
    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
      'CIMD_API_PORT',
      'CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS',
    ])
  })
})

function configOf(environment: Readonly<Record<string, string | undefined>>) {
  const { services, ...own } = loadConfig(environment)
  return { ...own, ...services({ databaseUrl: 'postgres://store', queueUrl: 'postgres://queue' }) }
}
