import { type ChainAnchor, type ChainHead, genesisHash } from '@cimd/core'
import type { Selectable } from 'kysely'
import type { Database } from './tables.ts'

/** How far the chain of a tenant is, and where it begins. */
export type AuditState = {
  /** Of the newest entry; the place 0 and the genesis hash while there is none. */
  readonly head: ChainHead
  /** The newest retention cut: all up to its anchor may be gone. */
  readonly cut: { readonly anchor: ChainAnchor; readonly at: Date } | undefined
}

/** The chain of a tenant that has no entries. */
export function chainBeginning(tenant: string): AuditState {
  return { head: { seq: 0, hash: genesisHash(tenant) }, cut: undefined }
}

/** The state as a row has it. */
export function stateFromRow(row: Selectable<Database['cimd.audit_heads']>): AuditState {
  const { anchor_seq: seq, anchor_hash: hash, anchor_count: count, cut_at: at } = row
  const isCut = seq !== null && hash !== null && count !== null && at !== null
  return {
    head: { seq: row.seq, hash: row.hash.toString('hex') },
    cut: isCut ? { anchor: { seq, hash: hash.toString('hex'), count }, at } : undefined,
  }
}
