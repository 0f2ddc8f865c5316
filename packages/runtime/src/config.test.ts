import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  ConfigError,
  commonEnvironment,
  count,
  milliseconds,
  parseEnvironment,
  portsVariable,
  portVariable,
  switchVariable,
} from './config.ts'

const schema = z.object({
  ...commonEnvironment,
  CIMD_PORT: portVariable(8080),
  CIMD_FETCHES: count().default(4),
})
const least = { CIMD_DATABASE_URL: 'postgres://cimd@db/cimd', CIMD_QUEUE_URL: 'redis://queue:6379' }

function problemOf(environment: Record<string, string | undefined>): string {
  try {
    parseEnvironment(schema, { ...least, ...environment })
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'accepted'
}

describe('parseEnvironment', () => {
  it('needs only the two stores', () => {
    expect(parseEnvironment(schema, least)).toEqual({
      ...least,
      CIMD_ENV: 'development',
      CIMD_LOG_LEVEL: 'info',
      CIMD_HOST: '127.0.0.1',
      CIMD_SHUTDOWN_GRACE_MS: 10_000,
      CIMD_PORT: 8080,
      CIMD_FETCHES: 4,
    })
  })

  it('reports every problem at once, each with its variable', () => {
    const message = problemOf({
      CIMD_DATABASE_URL: undefined,
      CIMD_QUEUE_URL: 'amqp://queue',
      CIMD_ENV: 'prod',
      CIMD_PORT: '65536',
      CIMD_FETCHES: 'many',
    })
    const lines = message.split('\n')
    expect(lines[0]).toBe('The configuration has 5 problems:')
    expect(lines.slice(1).map((line) => /^ {2}(\w+): /.exec(line)?.[1])).toEqual([
      ...['CIMD_ENV', 'CIMD_DATABASE_URL', 'CIMD_QUEUE_URL', 'CIMD_PORT', 'CIMD_FETCHES'],
    ])
  })

  it('says what was found', () => {
    expect(problemOf({ CIMD_ENV: 'prod' })).toMatch(/CIMD_ENV: .*production \(found "prod"\)$/)
    expect(problemOf({ CIMD_DATABASE_URL: undefined })).toMatch(/CIMD_DATABASE_URL: .* \(it is not set\)$/)
  })

  it.each([
    ['CIMD_DATABASE_URL', 'mysql://cimd:hunter2@db/cimd'],
    ['CIMD_DATABASE_URL', 'hunter2'],
    ['CIMD_QUEUE_URL', 'http://:hunter2@queue'],
  ])('never repeats the value of %s, which may hold a secret', (name, value) => {
    const message = problemOf({ [name]: value })
    expect(message).toContain(name)
    expect(message).not.toContain('hunter2')
  })

  it.each([
    ['CIMD_DATABASE_URL', 'postgresql://cimd@db/cimd'],
    ['CIMD_QUEUE_URL', 'rediss://:secret@queue:6379'],
    ['CIMD_QUEUE_URL', 'postgres://cimd@db/queue'],
    ['CIMD_PORT', '0'],
  ])('accepts %s=%s', (name, value) => {
    expect(problemOf({ [name]: value })).toBe('accepted')
  })

  it('reads an empty variable as one that is not set', () => {
    expect(parseEnvironment(schema, { ...least, CIMD_PORT: '' }).CIMD_PORT).toBe(8080)
    expect(problemOf({ CIMD_DATABASE_URL: '' })).toContain('(it is not set)')
  })

  it('ignores what belongs to others', () => {
    expect(parseEnvironment(schema, { ...least, CIMD_OTHER: 'x', PATH: '/bin' })).not.toHaveProperty('PATH')
  })
})

describe('switchVariable and portsVariable', () => {
  it('read what they describe', () => {
    expect(['true', 'false'].map((text) => switchVariable().parse(text))).toEqual([true, false])
    expect(portsVariable('443').parse('443, 8443')).toEqual([443, 8443])
  })

  it.each(['', '0', '65536', '443,', '443;8443', 'https', '443,99999'])('refuse %j', (text) => {
    expect(portsVariable('443').safeParse(text).success).toBe(false)
    expect(switchVariable().safeParse(text).success).toBe(false)
  })
})

describe.each([
  ['milliseconds', milliseconds()],
  ['count', count()],
])('%s', (_, variable) => {
  it.each(['0', '-1', '1.5', 'Infinity', '10s', ' '])('refuses %j', (text) => {
    expect(variable.safeParse(text).success).toBe(false)
  })

  it('is a number', () => {
    expect(variable.parse('250')).toBe(250)
  })
})
