import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@cimd/runtime'
import { describe, expect, it } from 'vitest'
import { createConnections, type Environment, readStandalone, type Standalone } from './connection.ts'

const STANDALONE: Standalone = {
  databaseUrl: 'postgres://localhost:5433/cimd',
  queueUrl: 'postgres://localhost:5433/queue',
  apiUrl: 'http://127.0.0.1:18080',
  file: '.cimd/standalone.json',
}
const DATABASE_URL = 'postgres://db.internal/cimd'
const QUEUE_URL = 'redis://queue.internal'

const connect = (environment: Environment, standalone?: Standalone) =>
  createConnections(environment, () => standalone)

describe('where the parts are', () => {
  it('is what the environment says', () => {
    const environment = {
      CIMD_DATABASE_URL: DATABASE_URL,
      CIMD_QUEUE_URL: QUEUE_URL,
      CIMD_API_URL: 'http://api:1/',
    }
    const { database, queue, api } = connect(environment, STANDALONE)
    expect(database()).toEqual({ url: DATABASE_URL, source: 'CIMD_DATABASE_URL' })
    expect(queue()).toEqual({ url: QUEUE_URL, source: 'CIMD_QUEUE_URL' })
    expect(api(undefined)).toEqual({ url: 'http://api:1', source: 'CIMD_API_URL' })
    expect(api('https://other')).toEqual({ url: 'https://other', source: '--api' })
  })

  it('is what npm start tells where the environment says nothing', () => {
    const { database, queue, api } = connect({ CIMD_DATABASE_URL: '' }, STANDALONE)
    expect(database().url).toBe(STANDALONE.databaseUrl)
    expect(queue()).toEqual({ url: STANDALONE.queueUrl, source: STANDALONE.file })
    expect(api(undefined).url).toBe(STANDALONE.apiUrl)
  })

  it('never mixes the store of one deployment with the queue of another', () => {
    expect(connect({ CIMD_DATABASE_URL: DATABASE_URL }, STANDALONE).queue).toThrow(
      /CIMD_QUEUE_URL: it is not set/,
    )
    const same = connect({ CIMD_DATABASE_URL: STANDALONE.databaseUrl }, STANDALONE)
    expect(same.queue().url).toBe(STANDALONE.queueUrl)
  })

  it('is told to be unknown by naming the variable and npm start', () => {
    const { database, queue, api } = connect({})
    expect(database).toThrow(/CIMD_DATABASE_URL: it is not set.*npm start/)
    expect(queue).toThrow(/CIMD_QUEUE_URL: it is not set.*npm start/)
    expect(api(undefined).url).toBe('http://127.0.0.1:8080')
  })

  it.each([
    [{ CIMD_DATABASE_URL: 'mysql://x/y' }, /CIMD_DATABASE_URL: must be/],
    [{ CIMD_DATABASE_URL: 'cimd' }, /CIMD_DATABASE_URL: must be/],
  ])('is refused when it is no such URL: %j', (environment, message) => {
    expect(connect(environment).database).toThrow(message)
  })

  it.each(['localhost:8080', 'ftp://api', ''.padEnd(3)])('is refused as an api: %j', (url) => {
    expect(() => connect({}).api(url)).toThrow(ConfigError)
  })
})

describe('the file of npm start', () => {
  it('is read from the data directory', () => {
    using directory = createDirectory('data')
    const { file, ...told } = STANDALONE
    directory.write(JSON.stringify(told))
    const found = readStandalone(directory.path, { CIMD_DATA_DIRECTORY: 'data' })
    expect(found).toEqual({ ...told, file: 'data/standalone.json' })
  })

  it('is absent when nothing runs', () => {
    using directory = createDirectory('.cimd')
    expect(readStandalone(directory.path, {})).toBeUndefined()
  })

  it.each(['', '{', '[]', '{"apiUrl":"http://evil.example"}'])(
    'is refused when it is not whole: %j',
    (text) => {
      using directory = createDirectory('.cimd')
      directory.write(text)
      expect(() => readStandalone(directory.path, {})).toThrow(ConfigError)
    },
  )

  it('is not believed when others could have written it, or came with a checkout', () => {
    using directory = createDirectory('.cimd')
    directory.write(JSON.stringify(STANDALONE), 0o644)
    expect(() => readStandalone(directory.path, {})).toThrow(/open to others/)
  })
})

function createDirectory(data: string) {
  const path = mkdtempSync(join(tmpdir(), 'cimd-cli-'))
  mkdirSync(join(path, data))
  const file = join(path, data, 'standalone.json')
  return {
    path,
    write: (text: string, mode = 0o600) => {
      writeFileSync(file, text)
      chmodSync(file, mode)
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  }
}
