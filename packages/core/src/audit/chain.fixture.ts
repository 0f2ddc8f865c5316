import { canonicalJson, type JsonObject } from '../json/json.ts'
import { type AuditEntry, placeEntry } from './audit-entry.ts'
import { type ChainedEntry, formatAuditLine } from './audit-line.ts'
import type { ChainTerms, ChainVerdict } from './chain-verifier.ts'
import { createChainVerifier } from './chain-verifier.ts'
import { entryHash, genesisHash } from './entry-hash.ts'

export const TENANT = '0198c5a0-7d1e-7b3a-9c55-2f6f1f0e4a10'

export function entryAt(seq: number, tenant = TENANT): AuditEntry {
  return placeEntry(
    {
      kind: 'resolve.decided',
      clientId: `https://app${seq}.example.com/client.json`,
      subject: '5b6c1a52-3c9e-4f0b-8f63-0d4be2a1c977',
      actor: { kind: 'key', id: 'cimd_4f9a' },
      data: { purpose: 'authorize', answer: 'ready', cache: { status: 'fresh' } },
    },
    { tenant, seq, at: new Date(Date.UTC(2026, 10, 21, 9, 0, seq)) },
  )
}

/** Entries linked from `previousHash`, as they would be written. */
export function linked(
  entries: readonly AuditEntry[],
  previousHash = genesisHash(TENANT),
): readonly ChainedEntry[] {
  const chain: ChainedEntry[] = []
  for (const entry of entries) chain.push(chainedTo(chain.at(-1)?.hash ?? previousHash, entry))
  return chain
}

export function chainedTo(previousHash: string, entry: AuditEntry): ChainedEntry {
  return { entry, previousHash, hash: entryHash(previousHash, entry) }
}

/** A right chain with the entries 1 to `length`. */
export function chainOf(length: number, tenant = TENANT): readonly ChainedEntry[] {
  const entries = Array.from({ length }, (_, index) => entryAt(index + 1, tenant))
  return linked(entries, genesisHash(tenant))
}

/** The same line with other members of its entry, and the hashes it had. */
export function altered(chained: ChainedEntry, members: JsonObject): ChainedEntry {
  return { ...chained, entry: { ...chained.entry, ...members } as AuditEntry }
}

export function linesOf(chain: readonly ChainedEntry[]): readonly string[] {
  return chain.map(formatAuditLine)
}

export function verify(lines: readonly string[], terms: Partial<ChainTerms> = {}): ChainVerdict {
  const verifier = createChainVerifier({ tenant: TENANT, ...terms })
  for (const line of lines) verifier.feed(line)
  return verifier.finish()
}

/** Each problem in short: kind, place, and how far it reaches. */
export function told({ problems }: ChainVerdict): readonly string[] {
  return problems.map(({ kind, seq, to }) => (to === undefined ? `${kind} ${seq}` : `${kind} ${seq}-${to}`))
}

/** An entry of a kind that no release makes. */
export function laterEntry(seq: number): AuditEntry {
  return JSON.parse(canonicalJson({ ...entryAt(seq), kind: 'later.kind', data: { later: [1] }, later: 'x' }))
}
