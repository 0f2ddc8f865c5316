import { describe, expect, it } from 'vitest'
import { placeEntry } from './audit-entry.ts'
import { type ChainedEntry, formatAuditHeader, formatAuditLine } from './audit-line.ts'
import {
  altered,
  chainedTo,
  chainOf,
  entryAt,
  laterEntry,
  linesOf,
  linked,
  TENANT,
  told,
  verify,
} from './chain.fixture.ts'
import { genesisHash } from './entry-hash.ts'

const CHAIN = chainOf(10)
const HEAD = headAt(10)

/** The entry with this `seq`. */
function at(seq: number): ChainedEntry {
  const chained = CHAIN[seq - 1]
  if (chained === undefined) throw new RangeError(`no entry ${seq}`)
  return chained
}

function headAt(seq: number) {
  return { seq, hash: at(seq).hash }
}

/** The chain with `count` entries from `seq` on replaced. */
function spliced(seq: number, count: number, ...entries: ChainedEntry[]): readonly ChainedEntry[] {
  return CHAIN.toSpliced(seq - 1, count, ...entries)
}

/** An entry that was never written, with a hash that fits it. */
function forged(seq: number, previousHash: string): ChainedEntry {
  return chainedTo(previousHash, { ...entryAt(seq), client_id: 'https://evil.example/c.json' })
}

const other = { client_id: 'https://evil.example/c.json' }
const wrong = 'f'.repeat(64)
const stranger = at(5)
const foreign = chainOf(10, 'tenant-b')[4] as ChainedEntry
const rewritten = linked(CHAIN.map(({ entry }) => (entry.seq === 5 ? { ...entry, ...other } : entry)))

describe('createChainVerifier', () => {
  it('finds nothing wrong with a chain as it was written, and tells its head', () => {
    expect(verify(linesOf(CHAIN), { heads: [headAt(4), HEAD] })).toEqual({
      ok: true,
      entries: 10,
      unknownKinds: 0,
      head: HEAD,
      problems: [],
    })
  })

  it('takes an empty chain as one that has not begun', () => {
    expect(verify([])).toMatchObject({ ok: true, entries: 0, head: { seq: 0, hash: genesisHash(TENANT) } })
  })

  it('verifies entries of a kind that it does not know', () => {
    const chain = linked([entryAt(1), laterEntry(2), entryAt(3)])
    expect(verify(linesOf(chain))).toMatchObject({ ok: true, entries: 3, unknownKinds: 1 })
    const [first, second, third] = chain as [ChainedEntry, ChainedEntry, ChainedEntry]
    const changed = linesOf([first, altered(second, { later: 'y' }), third])
    expect(told(verify(changed))).toEqual(['changed 2'])
  })

  it.each<[tampering: string, lines: readonly ChainedEntry[], problems: readonly string[]]>([
    ['a changed entry', spliced(5, 1, altered(at(5), other)), ['changed 5']],
    ['a changed first entry', spliced(1, 1, altered(at(1), other)), ['changed 1']],
    ['a changed last entry', spliced(10, 1, altered(at(10), other)), ['changed 10']],
    ['a changed number', spliced(5, 1, altered(at(5), { seq: 7 })), ['changed 5']],
    ['a changed tenant', spliced(5, 1, altered(at(5), { tenant: 'tenant-b' })), ['changed 5']],
    ['an altered hash', spliced(5, 1, { ...at(5), hash: wrong }), ['hash_altered 5']],
    ['an altered last hash', spliced(10, 1, { ...at(10), hash: wrong }), ['hash_altered 10']],
    ['an altered link', spliced(5, 1, { ...at(5), previousHash: wrong }), ['previous_hash_altered 5']],
    ['an altered first link', spliced(1, 1, { ...at(1), previousHash: wrong }), ['previous_hash_altered 1']],
    ['an entry replaced with its hash', spliced(5, 1, forged(5, at(4).hash)), ['replaced 5']],
    ['an entry replaced with another link', spliced(5, 1, forged(5, wrong)), ['replaced 4', 'replaced 5']],
    ['two replaced in a row', spliced(5, 2, forged(5, at(4).hash), at(6)), ['replaced 5']],
    [
      'the first one replaced with its link',
      spliced(1, 1, forged(1, wrong)),
      ['anchor_mismatch 1', 'replaced 1'],
    ],
    ['the last one replaced', spliced(10, 1, forged(10, at(9).hash)), ['head_mismatch 10']],
    ['all rewritten from one on', rewritten, ['head_mismatch 10']],
    ['a removed entry', spliced(5, 1), ['removed 5-5']],
    [
      'some removed entries',
      [...spliced(3, 3).slice(0, 4), ...spliced(1, 8)],
      ['removed 3-5', 'removed 8-8'],
    ],
    ['a removed beginning', spliced(1, 2), ['removed 1-2']],
    ['a cut end', spliced(9, 2), ['truncated 9-10']],
    ['all removed', [], ['truncated 1-10']],
    ['one inserted before its like', spliced(5, 0, forged(5, at(4).hash)), ['inserted 5']],
    ['one inserted with a wrong link', spliced(5, 0, forged(5, wrong)), ['inserted 5']],
    ['one inserted behind its like', spliced(6, 0, forged(5, at(4).hash)), ['inserted 5']],
    ['one inserted whose hash is wrong', spliced(5, 0, altered(at(5), other)), ['inserted 5']],
    ['one inserted with a number to come', spliced(3, 0, forged(8, at(2).hash)), ['inserted 8']],
    ['one inserted with a number beyond the end', spliced(3, 0, forged(5000, at(2).hash)), ['inserted 5000']],
    [
      'two with the same number beyond the end',
      [
        ...spliced(6, 5),
        forged(5000, wrong),
        ...spliced(1, 5).slice(0, 2),
        forged(5000, wrong),
        ...spliced(1, 7),
      ],
      ['inserted 5000', 'inserted 5000'],
    ],
    ['one altered and inserted far behind', spliced(9, 0, altered(at(3), other)), ['inserted 3']],
    ['one twice in a row', spliced(6, 0, at(5)), ['duplicated 5']],
    ['one again two later', spliced(7, 0, at(5)), ['duplicated 5']],
    ['one again at the end', spliced(11, 0, at(3)), ['duplicated 3']],
    ['one again before its time', [...spliced(6, 5), at(8), ...spliced(1, 5)], ['duplicated 8']],
    ['two neighbours swapped', spliced(5, 2, at(6), at(5)), ['reordered 6']],
    ['the last two swapped', spliced(9, 2, at(10), at(9)), ['reordered 10']],
    [
      'two swapped from afar',
      spliced(3, 5, at(7), at(4), at(5), at(6), at(3)),
      ['reordered 3', 'reordered 7'],
    ],
    ['one moved back', [...spliced(3, 1), at(3)], ['reordered 3']],
    [
      'one moved back out of several',
      spliced(3, 6, at(6), at(7), at(8), at(4), at(3), at(5)),
      ['reordered 3', 'reordered 4', 'reordered 5'],
    ],
    [
      'an early one and a missing one',
      spliced(6, 5, at(9), at(6), at(7)),
      ['removed 8-8', 'reordered 9', 'truncated 10-10'],
    ],
    ['one replaced by another tenant’s', spliced(5, 1, foreign), ['removed 5-5', 'foreign_tenant 5']],
    ['one of another tenant inserted', spliced(5, 0, foreign), ['foreign_tenant 5']],
    ['numbers below the first', spliced(5, 0, at(1)), ['duplicated 1']],
  ])('finds and locates %s', (_, chain, problems) => {
    const verdict = verify(linesOf(chain), { heads: [HEAD] })
    expect(told(verdict)).toEqual(problems)
    expect(verdict.ok).toBe(false)
  })

  it.each<[tampering: string, lines: readonly string[], problems: readonly string[]]>([
    ['one line that is no JSON', linesOf(CHAIN).with(4, '{'), ['unparsable 5']],
    ['two such lines in a row', linesOf(CHAIN).with(4, '{').with(5, ''), ['unparsable 5', 'unparsable 6']],
    [
      'two such lines with one between',
      linesOf(CHAIN).with(4, '{').with(6, '{'),
      ['unparsable 5', 'unparsable 7'],
    ],
    ['one at the end', linesOf(CHAIN).with(9, '{'), ['unparsable 10']],
    ['one that was added', linesOf(CHAIN).toSpliced(4, 0, '{'), ['unparsable 5']],
    ['one of two that are missing', linesOf(CHAIN).toSpliced(4, 2, '{'), ['unparsable 5', 'removed 6-6']],
    [
      'the entry came late',
      [...linesOf(CHAIN).with(4, '{'), formatAuditLine(stranger)],
      ['unparsable 5', 'reordered 5'],
    ],
    ['white space', linesOf(CHAIN).with(4, `${formatAuditLine(stranger)} `), ['unparsable 5']],
    [
      'a second header',
      linesOf(CHAIN).toSpliced(4, 0, formatAuditHeader({ tenant: TENANT })),
      ['unparsable 5'],
    ],
  ])('goes on behind what cannot be read: %s', (_, lines, problems) => {
    expect(told(verify(lines, { heads: [HEAD] }))).toEqual(problems)
  })

  it('finds several things at once, each at its place and line', () => {
    const chain = [
      ...spliced(2, 1).slice(0, 5),
      altered(at(7), other),
      at(8),
      at(8),
      { ...at(9), hash: wrong },
      at(10),
    ]
    expect(verify(linesOf(chain)).problems).toEqual([
      { kind: 'removed', seq: 2, to: 2 },
      { kind: 'changed', seq: 7, line: 6 },
      { kind: 'duplicated', seq: 8, line: 8 },
      { kind: 'hash_altered', seq: 9, line: 9 },
    ])
  })

  it('tells which of two lines at one place is the one that was written', () => {
    const lines = linesOf(spliced(5, 0, forged(5, at(4).hash)))
    expect(verify(lines).problems).toEqual([{ kind: 'inserted', seq: 5, line: 5 }])
  })

  it('sees neither a cut end nor a chain made anew without a head', () => {
    expect(verify(linesOf(spliced(9, 2))).ok).toBe(true)
    expect(verify(linesOf(rewritten)).ok).toBe(true)
  })

  it('tells behind which head a chain was made anew', () => {
    const { problems } = verify(linesOf(rewritten), { heads: [HEAD, headAt(2), headAt(4), headAt(7)] })
    expect(problems).toEqual([
      { kind: 'head_mismatch', seq: 7, line: 7, after: 4 },
      { kind: 'head_mismatch', seq: 10, line: 10, after: 4 },
    ])
  })

  it('blames the entry behind a head that is met', () => {
    const lines = linesOf(spliced(6, 1, forged(6, wrong)))
    expect(told(verify(lines, { heads: [headAt(5)] }))).toEqual(['replaced 6'])
  })

  it('reports two heads of one place that differ', () => {
    const { problems } = verify(linesOf(CHAIN), { heads: [{ seq: 10, hash: wrong }, HEAD] })
    expect(problems).toEqual([{ kind: 'head_mismatch', seq: 10, after: 0 }])
  })
})

describe('a chain that was cut for retention', () => {
  const anchor = { ...headAt(4), count: 4 }
  const cut = (data = { anchor_seq: 4, anchor_hash: at(4).hash, count: 4 }) =>
    placeEntry(
      { kind: 'retention.cut', actor: { kind: 'service', id: 'scheduler' }, data },
      { tenant: TENANT, seq: 11, at: new Date(0) },
    )
  const rest = (data?: Parameters<typeof cut>[0]) => [...CHAIN.slice(4), chainedTo(at(10).hash, cut(data))]

  it('is right from its anchor on, which an entry confirms', () => {
    expect(verify(linesOf(rest()), { anchor })).toMatchObject({ ok: true, entries: 7, head: { seq: 11 } })
    expect(verify(linesOf(rest()), { anchor, heads: [headAt(2), headAt(4), headAt(8)] }).ok).toBe(true)
  })

  it('is right without such an entry from a head that was kept, and not from the one that is stored beside it', () => {
    const lines = linesOf(CHAIN.slice(4))
    expect(verify(lines, { anchor, heads: [headAt(4)] }).ok).toBe(true)
    expect(told(verify(lines, { anchor, stored: headAt(4) }))).toEqual(['anchor_unconfirmed 4'])
    expect(told(verify(lines, { anchor, heads: [headAt(4)], stored: { ...HEAD, seq: 12 } }))).toEqual([
      'truncated 11-12',
    ])
  })

  it.each<[string, Parameters<typeof verify>, readonly string[]]>([
    ['no entry', [linesOf(CHAIN.slice(4)), { anchor }], ['anchor_unconfirmed 4']],
    [
      'another place',
      [linesOf(rest({ anchor_seq: 3, anchor_hash: at(4).hash, count: 4 })), { anchor }],
      ['anchor_unconfirmed 4'],
    ],
    [
      'another hash',
      [linesOf(rest({ anchor_seq: 4, anchor_hash: wrong, count: 4 })), { anchor }],
      ['anchor_unconfirmed 4'],
    ],
    [
      'another count',
      [linesOf(rest({ anchor_seq: 4, anchor_hash: at(4).hash, count: 3 })), { anchor }],
      ['anchor_unconfirmed 4'],
    ],
    [
      'an entry that was altered to do so',
      [linesOf([...CHAIN.slice(4), { ...chainedTo(at(10).hash, cut()), hash: wrong }]), { anchor }],
      ['anchor_unconfirmed 4', 'changed 11'],
    ],
    ['no anchor', [linesOf(rest()), {}], ['removed 1-4']],
    [
      'a wrong anchor',
      [linesOf(rest()), { anchor: { ...anchor, hash: wrong } }],
      ['anchor_unconfirmed 4', 'anchor_mismatch 5'],
    ],
    [
      'a head that is not the anchor',
      [linesOf(rest()), { anchor, heads: [{ seq: 4, hash: wrong }] }],
      ['anchor_mismatch 4'],
    ],
    [
      'no head that was kept but of what went',
      [linesOf(rest()), { anchor, heads: [headAt(2), headAt(3)], stored: headAt(10) }],
      ['head_cut_off 3'],
    ],
    [
      'an entry from before the cut',
      [linesOf([at(4), at(3), ...rest()]), { anchor }],
      ['inserted 3', 'inserted 4'],
    ],
  ])('is not right with %s', (_, [lines, terms], problems) => {
    expect(told(verify(lines, terms))).toEqual(problems)
  })
})
