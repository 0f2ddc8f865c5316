import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AuditEntry, readAuditEntry } from './audit-entry.ts'
import { type ChainedEntry, formatAuditLine } from './audit-line.ts'
import { chainedTo, entryAt, linesOf, linked, TENANT, told, verify } from './chain.fixture.ts'

const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'))
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/)
const scalar = fc.oneof(text, fc.maxSafeInteger(), fc.boolean(), fc.constant(null))
const data = fc.dictionary(name, fc.oneof(scalar, fc.array(scalar), fc.dictionary(name, scalar)))

/** A chain of any content, and the head that was kept of it. */
const chains = fc
  .array(fc.record({ data, kind: fc.constantFrom('resolve.decided', 'later.kind') }), {
    minLength: 2,
    maxLength: 12,
  })
  .map((contents) => {
    const entries = contents.map((content, index) => {
      const read = readAuditEntry(JSON.parse(JSON.stringify({ ...entryAt(index + 1), ...content })))
      if (!read.ok) throw new Error(read.detail)
      return read.value
    })
    const chain = linked(entries)
    const { entry, hash } = chain.at(-1) as ChainedEntry
    return { chain, heads: [{ seq: entry.seq, hash }] }
  })

/** A chain and one of its entries. */
const places = chains.chain(({ chain, heads }) =>
  fc.nat(chain.length - 1).map((index) => ({ chain, heads, index, chained: chain[index] as ChainedEntry })),
)

function forgedAt({ entry, previousHash }: ChainedEntry): ChainedEntry {
  return chainedTo(previousHash, { ...entry, client_id: 'https://evil.example/c' } as AuditEntry)
}

const RUNS = { numRuns: 150 }

describe('createChainVerifier', () => {
  it('finds nothing wrong with any chain as it was written', () => {
    fc.assert(
      fc.property(chains, ({ chain, heads }) => {
        expect(verify(linesOf(chain), { heads })).toMatchObject({ ok: true, entries: chain.length })
      }),
      RUNS,
    )
  })

  it('finds any other character in any line, at its place and nowhere else', () => {
    fc.assert(
      fc.property(
        places,
        fc.nat(),
        fc.string({ minLength: 1, maxLength: 1 }),
        (where, position, character) => {
          const line = formatAuditLine(where.chained)
          const at = position % line.length
          fc.pre(line[at] !== character)
          const altered = line.slice(0, at) + character + line.slice(at + 1)
          const { problems } = verify(linesOf(where.chain).with(where.index, altered), where)
          expect(problems.map(({ seq, line }) => [seq, line])).toEqual([[where.index + 1, where.index + 1]])
        },
      ),
      { numRuns: 600 },
    )
  })

  it('finds any entry that was replaced with a hash that fits it, at its place', () => {
    fc.assert(
      fc.property(places, ({ chain, heads, index, chained }) => {
        const kind = index === chain.length - 1 ? 'head_mismatch' : 'replaced'
        const verdict = verify(linesOf(chain.with(index, forgedAt(chained))), { heads })
        expect(told(verdict)).toEqual([`${kind} ${index + 1}`])
      }),
      RUNS,
    )
  })

  it('finds any entries that were removed, at their places', () => {
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 12 }), ({ chain, heads, index }, count) => {
        const to = Math.min(chain.length, index + count)
        const kind = to === chain.length ? 'truncated' : 'removed'
        const verdict = verify(linesOf(chain.toSpliced(index, count)), { heads })
        expect(told(verdict)).toEqual([`${kind} ${index + 1}-${to}`])
      }),
      RUNS,
    )
  })

  it('finds any two entries that were swapped, between their places', () => {
    fc.assert(
      fc.property(places, fc.nat(), ({ chain, heads, index, chained }, offset) => {
        const other = offset % chain.length
        fc.pre(other !== index)
        const swapped = chain.with(index, chain[other] as ChainedEntry).with(other, chained)
        const { problems, entries } = verify(linesOf(swapped), { heads })
        expect([problems.length > 0, entries]).toEqual([true, chain.length])
        for (const { kind, seq } of problems) {
          expect(kind).toBe('reordered')
          expect(seq).toBeGreaterThan(Math.min(index, other))
          expect(seq).toBeLessThanOrEqual(Math.max(index, other) + 1)
        }
      }),
      RUNS,
    )
  })

  it('finds any entry that was inserted beside another, whether its hash fits it or not', () => {
    fc.assert(
      fc.property(places, fc.boolean(), fc.boolean(), ({ chain, heads, index, chained }, fits, behind) => {
        const forged = forgedAt(chained)
        const inserted = fits ? forged : { ...forged, hash: chained.hash }
        const at = behind ? index + 1 : index
        const verdict = verify(linesOf(chain.toSpliced(at, 0, inserted)), { heads })
        expect(verdict.problems).toEqual([{ kind: 'inserted', seq: index + 1, line: at + 1 }])
      }),
      RUNS,
    )
  })

  it('finds any entry that is there twice', () => {
    fc.assert(
      fc.property(places, fc.nat(), ({ chain, heads, index, chained }, offset) => {
        const at = offset % (chain.length + 1)
        const verdict = verify(linesOf(chain.toSpliced(at, 0, chained)), { heads })
        expect(told(verdict)).toEqual([`duplicated ${index + 1}`])
      }),
      RUNS,
    )
  })

  it('is not deceived by any disorder of lines, and remembers all that is there', () => {
    fc.assert(
      fc.property(
        chains.chain(({ chain, heads }) =>
          fc.shuffledSubarray([...chain], { minLength: 0 }).map((lines) => ({ chain, heads, lines })),
        ),
        ({ chain, heads, lines }) => {
          const { ok, problems, entries } = verify(linesOf(lines), { heads, tenant: TENANT })
          const isWhole = lines.length === chain.length && lines.every((line, index) => line === chain[index])
          expect([ok, entries]).toEqual([isWhole, lines.length])
          const missing = problems.flatMap(({ kind, seq, to = seq }) =>
            kind === 'removed' || kind === 'truncated'
              ? Array.from({ length: to - seq + 1 }, (_, index) => seq + index)
              : [],
          )
          const present = lines.map(({ entry }) => entry.seq)
          expect([...missing, ...present].sort((a, b) => a - b)).toEqual(chain.map(({ entry }) => entry.seq))
        },
      ),
      { numRuns: 400 },
    )
  })
})
