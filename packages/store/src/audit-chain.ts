import { type AuditEntry, type ChainAnchor, entryHash, placeDraft } from '@cimd/core'
import { sql } from 'kysely'
import { type AuditState, chainBeginning, stateFromRow } from './audit-state.ts'
import type { Db, Transaction } from './db.ts'
import type { Database } from './tables.ts'

// Any constant: the one lock that makes one chainer the only giver of places.
const CHAIN_LOCK = 0x63_69_6d_61

/** Entries of all tenants after which a batch is full: one popular client must not make it outlast its bound. */
const CHAINED_MAX = 5000

/** What one batch did. */
export type ChainedBatch = {
  /** The batch was full: others wait. */
  readonly more: boolean
  readonly chained: number
  /** What was no entry and is gone: a bug of ours, or the doing of a service that was taken over. */
  readonly refused: readonly RefusedEntry[]
}

export type RefusedEntry = { readonly id: string; readonly kind: string; readonly detail: string }

type PendingRow = Pick<Database['cimd.audit_pending'], 'kind' | 'client_id' | 'subject'> & {
  readonly id: string
  readonly at: Date
  readonly actor: { readonly kind: string; readonly id: string }
  readonly data: AuditEntry
  readonly tenants: readonly string[]
}

/** A chain while a batch makes it longer. */
type Chain = { -readonly [Member in keyof AuditState]: AuditState[Member] }

type PlacedEntry = {
  readonly entry: AuditEntry
  readonly tenant: string
  readonly seq: number
  readonly hash: string
  readonly previousHash: string
}

/**
 * Gives up to `limit` waiting entries their places in the chain of their tenant, or of every tenant that used the client when
 * it happened. One at a time, in the order in which they were noted; what commits late comes later, so no chain has gaps.
 * What waited is deleted by the transaction that places it: an end in between loses nothing and doubles nothing.
 */
export async function chainAudit(db: Db, limit: number): Promise<ChainedBatch> {
  return db.transaction().execute(async (trx) => {
    const lock = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${CHAIN_LOCK}) as locked`.execute(trx)
    if (lock.rows[0]?.locked !== true) return NOTHING
    const waiting = await readWaiting(trx, limit)
    if (waiting.length === 0) return NOTHING
    const addressed = waiting.flatMap(({ tenants }) => tenants)
    const chains = await readChains(trx, [...new Set(addressed)])
    const placed: PlacedEntry[] = []
    const refused: RefusedEntry[] = []
    for (const row of waiting) {
      const detail = await placeRow(trx, chains, row, placed)
      if (detail !== undefined) refused.push({ id: row.id, kind: row.kind, detail })
    }
    await appendEntries(trx, placed)
    await saveChains(trx, chains)
    await sql`delete from cimd.audit_pending where id = any(${waiting.map(({ id }) => id)}::bigint[])`.execute(
      trx,
    )
    const more = waiting.length === limit || addressed.length >= CHAINED_MAX
    return { more, chained: placed.length, refused }
  })
}

/** There is none that waits, or another is at it. */
const NOTHING: ChainedBatch = { more: false, chained: 0, refused: [] }

async function readWaiting(trx: Transaction, limit: number): Promise<readonly PendingRow[]> {
  const { rows } = await sql<PendingRow>`
    with addressed as (
      select p.id::text, p.at, p.kind, p.client_id, p.subject, p.actor, p.data, to_jsonb(case
        when p.tenant_id is not null then array(select t.id from cimd.tenants t where t.id = p.tenant_id)
        else array(
          select i.tenant_id from cimd.interest i
          where i.client_ref = p.client_ref and coalesce(p.generation > i.since_generation, i.first_demand_at <= p.at)
          order by i.tenant_id
        ) end) as tenants, p.id as place
      from (select * from cimd.audit_pending order by id limit ${limit}) p
    )
    select * from (
      select *, sum(jsonb_array_length(tenants)) over (order by place) - jsonb_array_length(tenants) as before
      from addressed
    ) a where before < ${CHAINED_MAX} order by place`.execute(trx)
  return rows
}

async function readChains(trx: Transaction, tenants: readonly string[]): Promise<Map<string, Chain>> {
  const rows = await trx
    .selectFrom('cimd.audit_heads')
    .selectAll()
    .where('tenant_id', '=', sql<string>`any(${[...tenants]}::uuid[])`)
    .execute()
  const known = new Map(rows.map((row) => [row.tenant_id, stateFromRow(row)]))
  return new Map(tenants.map((tenant) => [tenant, { ...(known.get(tenant) ?? chainBeginning(tenant)) }]))
}

// Why it has no place, if it has none.
async function placeRow(
  trx: Transaction,
  chains: ReadonlyMap<string, Chain>,
  { tenants, at, client_id, subject, ...row }: PendingRow,
  placed: PlacedEntry[],
): Promise<string | undefined> {
  for (const tenant of tenants) {
    const chain = chains.get(tenant)
    if (chain === undefined) throw new Error(`the chain of tenant ${tenant} was not read`)
    const draft = { ...row, clientId: client_id ?? undefined, subject: subject ?? undefined }
    const reading = placeDraft(draft, { tenant, seq: chain.head.seq + 1, at })
    if (!reading.ok) return reading.detail
    const cut = row.kind === 'retention.cut' ? await readCut(trx, tenant, chain, row.data) : undefined
    if (cut === 'untrue') return 'a cut that is not of this chain as it is'
    if (cut !== undefined) chain.cut = { anchor: cut, at }
    const { hash: previousHash, seq } = chain.head
    const hash = entryHash(previousHash, reading.value)
    chain.head = { seq: seq + 1, hash }
    placed.push({ entry: reading.value, tenant, seq: seq + 1, hash, previousHash })
  }
  return undefined
}

// Another cut may have been chained since it was noted, and what a cut says is what an auditor believes.
async function readCut(
  trx: Transaction,
  tenant: string,
  chain: Chain,
  data: PendingRow['data'],
): Promise<ChainAnchor | 'untrue'> {
  const { anchor_seq: seq, anchor_hash: hash, count } = data
  const begin = chain.cut?.anchor.seq ?? 0
  if (typeof seq !== 'number' || typeof hash !== 'string' || seq <= begin || count !== seq - begin) {
    return 'untrue'
  }
  // Not decoded: what is no hash would end the batch, and every one after it.
  const { rows } = await sql`
    select from cimd.audit where tenant_id = ${tenant} and seq = ${seq} and encode(hash, 'hex') = ${hash}`.execute(
    trx,
  )
  return rows.length === 1 ? { seq, hash, count: seq - begin } : 'untrue'
}

async function appendEntries(trx: Transaction, placed: readonly PlacedEntry[]): Promise<void> {
  if (placed.length === 0) return
  await sql`
    insert into cimd.audit (tenant_id, seq, entry, hash, previous_hash)
    select tenant, seq, entry, decode(hash, 'hex'), decode(previous_hash, 'hex')
    from unnest(${placed.map(({ tenant }) => tenant)}::uuid[], ${placed.map(({ seq }) => seq)}::bigint[],
      ${placed.map(({ entry }) => JSON.stringify(entry))}::jsonb[], ${placed.map(({ hash }) => hash)}::text[],
      ${placed.map(({ previousHash }) => previousHash)}::text[]) as e (tenant, seq, entry, hash, previous_hash)`.execute(
    trx,
  )
}

async function saveChains(trx: Transaction, chains: ReadonlyMap<string, Chain>): Promise<void> {
  const rows = [...chains].flatMap(([tenant, { head, cut }]) =>
    head.seq === 0 ? [] : [{ tenant, head, anchor: cut?.anchor, cut_at: cut?.at }],
  )
  await sql`
    insert into cimd.audit_heads (tenant_id, seq, hash, anchor_seq, anchor_hash, anchor_count, cut_at)
    select e.tenant, (e.head ->> 'seq')::bigint, decode(e.head ->> 'hash', 'hex'), (e.anchor ->> 'seq')::bigint,
      decode(e.anchor ->> 'hash', 'hex'), (e.anchor ->> 'count')::bigint, e.cut_at
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as e (tenant uuid, head jsonb, anchor jsonb, cut_at timestamptz)
    on conflict (tenant_id) do update set seq = excluded.seq, hash = excluded.hash,
      anchor_seq = excluded.anchor_seq, anchor_hash = excluded.anchor_hash,
      anchor_count = excluded.anchor_count, cut_at = excluded.cut_at`.execute(trx)
}
