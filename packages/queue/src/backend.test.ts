import { describe, expect, it } from 'vitest'
import { backendKind, openBackend, postgresConnection } from './backend.ts'

describe(backendKind, () => {
  it.each([
    ['redis://127.0.0.1', 'redis'],
    ['rediss://cache.example:6380/2', 'redis'],
    ['postgres://127.0.0.1/cimd', 'postgres'],
    ['postgresql:///cimd?host=/run/postgresql', 'postgres'],
  ])('%s is %s', (url, kind) => {
    expect(backendKind(url)).toBe(kind)
  })

  it('refuses another scheme without repeating the URL', () => {
    expect(() => backendKind('mysql://user:secret@db')).toThrow(/not mysql$/)
  })
})

describe(postgresConnection, () => {
  it('acts as the role by a start-up option', () => {
    const { options } = postgresConnection({ url: 'postgres://a@h/db', role: 'cimd_api' })
    expect(options).toBe('-c role=cimd_api')
  })

  it('moves options out of the URL, where they would undo the search_path', () => {
    const connection = postgresConnection({
      url: 'postgres://a:p%40ss@h/db?sslmode=require&options=-c%20jit%3Doff',
      role: 'r',
    })
    expect(connection.connectionString).toBe('postgres://a:p%40ss@h/db?sslmode=require')
    expect(connection.options).toBe('-c jit=off -c role=r')
  })

  it('refuses a role that would smuggle in another option', () => {
    const open = () => postgresConnection({ url: 'postgres://h/db', role: 'r -c search_path=public' })
    expect(open).toThrow(/simple identifier/)
  })
})

describe(openBackend, () => {
  it('refuses a schema that is not a simple identifier', () => {
    expect(() => openBackend({ url: 'redis://h', schema: 'a:b' }, 'producer')).toThrow(/simple identifier/)
  })
})
