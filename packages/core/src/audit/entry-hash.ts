import { sha256Hex } from '../digest.ts'
import { canonicalJson } from '../json/json.ts'
import type { AuditEntry } from './audit-entry.ts'

/** Names the encoding below; another encoding is another name, so that no hash of one is a hash of the other. */
export const AUDIT_FORMAT = 'cimd-audit/1'

/** What the first entry of a tenant follows: no entry can be moved to the chain of another tenant. */
export function genesisHash(tenant: string): string {
  return sha256Hex(`${AUDIT_FORMAT}/genesis\n${tenant}`)
}

/**
 * The hash of an entry that follows the one with `previousHash`: sha-256, in lower-case hex, of the format's name, the previous
 * hash and the entry's canonical JSON (RFC 8785), each on a line. docs/audit-format.md has it in Python, with vectors.
 */
export function entryHash(previousHash: string, entry: AuditEntry): string {
  return hashOfText(previousHash, canonicalJson(entry))
}

/** As `entryHash`, of an entry that is canonical JSON already. */
export function hashOfText(previousHash: string, canonicalEntry: string): string {
  return sha256Hex(`${AUDIT_FORMAT}/entry\n${previousHash}\n${canonicalEntry}`)
}
