import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AUDIT_LINE_LENGTH_MAX, formatAuditHeader, formatAuditLine, readAuditLine } from './audit-line.ts'
import { entryAt, linked, TENANT, verify } from './chain.fixture.ts'
import { CHAIN_PROBLEMS } from './chain-place.ts'
import { entryHash, genesisHash } from './entry-hash.ts'

const page = readFileSync(new URL('../../../../docs/audit-format.md', import.meta.url), 'utf8')
const vectors = (/```ndjson\n([\s\S]*?)\n```/.exec(page)?.[1] ?? '').split('\n')
const [chained] = linked([entryAt(1)])
const LINE = chained === undefined ? '' : formatAuditLine(chained)
const HASH = 'a'.repeat(64)

describe('docs/audit-format.md', () => {
  it('has a chain of three entries whose hashes are right', () => {
    const [header = '', ...lines] = vectors
    expect(readAuditLine(header)).toEqual({ ok: true, value: { kind: 'header', header: { tenant: TENANT } } })
    const { ok, entries, unknownKinds, head } = verify(lines)
    expect({ ok, entries, unknownKinds }).toEqual({ ok: true, entries: 3, unknownKinds: 1 })
    const told = `The genesis hash of this tenant is \`${genesisHash(TENANT)}\`, the head after its three entries \`${head.hash}\``
    expect(page).toContain(told)
  })

  it.each([1, 2, 3])('has in vector %i the line that we write and the hash that we compute', (index) => {
    const line = vectors[index] ?? ''
    const reading = readAuditLine(line)
    if (!reading.ok || reading.value.kind !== 'entry') throw new Error('the vector is no entry')
    const { entry, hash, previousHash } = reading.value.chained
    expect([formatAuditLine(reading.value.chained), entryHash(previousHash, entry)]).toEqual([line, hash])
  })

  it('explains every problem', () => {
    const explained = CHAIN_PROBLEMS.filter((kind) => page.includes(`\`${kind}\``))
    expect(explained).toEqual([...CHAIN_PROBLEMS])
  })
})

describe('readAuditLine', () => {
  it('reads what was written', () => {
    const header = { tenant: TENANT, anchor: { seq: 3, hash: HASH, count: 3 } }
    expect(readAuditLine(formatAuditHeader(header))).toEqual({ ok: true, value: { kind: 'header', header } })
    expect(readAuditLine(LINE)).toEqual({ ok: true, value: { kind: 'entry', chained } })
  })

  it.each<[line: string, detail: string]>([
    ['', 'the line is not a JSON object'],
    ['[]', 'the line is not a JSON object'],
    ['{}', 'the line has no entry, hash or previous_hash'],
    [
      `{"entry":{},"hash":"${HASH}","previous_hash":"${HASH.slice(1)}"}`,
      'the line has no entry, hash or previous_hash',
    ],
    [
      `{"entry":{},"hash":"${HASH.toUpperCase()}","previous_hash":"${HASH}"}`,
      'the line has no entry, hash or previous_hash',
    ],
    [
      `{"entry":{},"hash":"${HASH}","previous_hash":"${HASH}"}`,
      'not as an entry has it: tenant, seq, at, kind, actor, data',
    ],
    [`{"entry":7,"hash":"${HASH}","previous_hash":"${HASH}"}`, 'not as an entry has it: the entry'],
    [`{"entry":{"a":1.5},"hash":"${HASH}","previous_hash":"${HASH}"}`, 'a number that is not whole'],
    [LINE.replace('{"entry"', '{ "entry"'), 'the line is not canonical JSON'],
    [LINE.replace('"seq":1', '"seq":2,"seq":1'), 'the line is not canonical JSON'],
    [LINE.replace('authorize', '\\u0061uthorize'), 'the line is not canonical JSON'],
    [LINE.replace('"seq":1', '"seq":1e0'), 'the line is not canonical JSON'],
    [LINE.replace(/}$/, ',"later":1}'), 'the line is not canonical JSON'],
    ['{"format":"cimd-audit/2","tenant":"a"}', 'the format is not one that is known'],
    ['{"format":"cimd-audit/1"}', 'the header is not as it should be'],
    ['{"anchor":1,"format":"cimd-audit/1","tenant":"a"}', 'the header is not as it should be'],
    [
      `{"anchor":{"count":1,"hash":"${HASH}","seq":0},"format":"cimd-audit/1","tenant":"a"}`,
      'the header is not as it should be',
    ],
    [
      `{"anchor":{"count":"1","hash":"${HASH}","seq":1},"format":"cimd-audit/1","tenant":"a"}`,
      'the header is not as it should be',
    ],
    [
      '{"anchor":{"count":1,"hash":"a","seq":1},"format":"cimd-audit/1","tenant":"a"}',
      'the header is not as it should be',
    ],
    ['{"format":"cimd-audit/1","later":1,"tenant":"a"}', 'the line is not canonical JSON'],
    ['['.repeat(AUDIT_LINE_LENGTH_MAX + 1), 'the line is too long'],
  ])('refuses %s', (line, detail) => {
    expect(readAuditLine(line)).toEqual({ ok: false, detail })
  })

  it('is not killed by a line that is nested as deeply as it may be long', () => {
    const half = AUDIT_LINE_LENGTH_MAX / 2 - 100
    const nested = `${'['.repeat(half)}${']'.repeat(half)}`
    const line = `{"entry":${nested},"hash":"${HASH}","previous_hash":"${HASH}"}`
    expect(readAuditLine(line)).toEqual({ ok: false, detail: 'nested too deeply' })
  })
})
