import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { isShortDirectory, socketPathFits, socketUrl } from './sockets.ts'

const DIRECTORIES = ['/tmp/x', '/home/a b/é', '/a+b/c%20d', '/q?x=1&y#z', `/o'dd/"very"`, '/a:b@c']

describe(socketUrl, () => {
  it.each(DIRECTORIES)('leads pg into %s', (directory) => {
    const { host, port, user, database, ssl } = new pg.Client(socketUrl(directory))
    expect({ host, port, user, database, ssl }).toEqual({
      host: directory,
      port: 5432,
      user: 'postgres',
      database: 'postgres',
      ssl: false,
    })
  })

  it.each(DIRECTORIES)('can be given another database, with the socket in %s', (directory) => {
    const url = new URL(socketUrl(directory))
    url.pathname = '/other'
    const { host, database } = new pg.Client(url.href)
    expect({ host, database }).toEqual({ host: directory, database: 'other' })
  })

  it('names a host that leads nowhere, for a library that does not look at the rest', () => {
    expect(new URL(socketUrl('/tmp/x')).hostname).toMatch(/\.invalid$/)
  })
})

describe(socketPathFits, () => {
  // "/.s.PGSQL.5432" takes 14 of the 103 bytes.
  it.each([
    [89, 'x', true],
    [90, 'x', false],
    [44, 'é', true],
    [45, 'é', false],
  ])('a directory of %i times %j: %s', (count, letter, fits) => {
    expect(socketPathFits(`/${letter.repeat(count - (letter === 'x' ? 1 : 0))}`)).toBe(fits)
  })
})

describe(isShortDirectory, () => {
  it.each([
    ['/tmp/cimd-pg-a1B2c3', true],
    ['/tmp/cimd-pg-a1B2c3/postgres', false],
    ['/etc', false],
    ['', false],
  ])('%j: %s', (path, short) => {
    expect(isShortDirectory(path)).toBe(short)
  })
})
