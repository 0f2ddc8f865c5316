import { expect, it } from 'vitest'
import { createLogger } from './logger.ts'

function logged(fields: object): string {
  const lines: string[] = []
  createLogger('api', 'info', { write: (line) => lines.push(line) }).info(fields, 'something happened')
  return lines.join('')
}

it('names the service on each line', () => {
  expect(JSON.parse(logged({ event: 'x' }))).toMatchObject({ service: 'api', event: 'x' })
})

it('keeps the password of a refused login out: the error of Redis holds the whole command', () => {
  const refused = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
    command: { name: 'hello', args: ['3', 'AUTH', 'default', 'the-password'] },
  })
  const line = logged({ err: refused })
  expect(line).toContain('WRONGPASS')
  expect(line).not.toContain('the-password')
})

it.each([
  { request: { authorization: 'the-password' } },
  { req: { headers: { authorization: 'the-password' } } },
  { connection: { password: 'the-password' } },
])('keeps %j out', (fields) => {
  expect(logged(fields)).toContain('[redacted]')
  expect(logged(fields)).not.toContain('the-password')
})
