import {
  type AuditActor,
  type AuditDraft,
  type AuditKind,
  draftAuditEntry,
  type NewAuditEntry,
} from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'

/** An entry for the audit of one tenant. */
export type TenantAuditEntry = NewAuditEntry & { readonly tenantId: string }

/**
 * Notes entries for the audit in the transaction of what they tell: they are committed with it or not at all, and get their
 * places in the chain later (`chainAudit`). No round trip of its own. Throws where an entry is not what its kind says.
 */
export async function noteAudit(trx: Transaction, ...entries: readonly TenantAuditEntry[]): Promise<void> {
  const rows = entries.map((entry) => ({ tenant_id: entry.tenantId, ...rowOfDraft(draftAuditEntry(entry)) }))
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.audit_pending (tenant_id, kind, client_id, subject, actor, data)
    select tenant_id, kind, client_id, subject, actor, data
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as e (tenant_id uuid, kind text, client_id text, subject uuid, actor jsonb, data jsonb)`.execute(trx)
}

/** An entry for the audit of the tenant of the transaction. */
export type OwnAuditEntry = {
  [Kind in AuditKind]: {
    readonly kind: Kind
    readonly by: AuditActor
    /** Row id of the client it is about. */
    readonly client?: string | undefined
    /** A pseudonym. */
    readonly subject?: string | undefined
    readonly data: Extract<NewAuditEntry, { readonly kind: Kind }>['data']
  }
}[AuditKind]

/** Notes an entry for the audit of the tenant of the transaction, as `noteAudit` does. */
export async function noteOwnAudit(trx: Transaction, { by, client, ...entry }: OwnAuditEntry): Promise<void> {
  const { kind, subject, actor, data } = draftAuditEntry({ ...entry, actor: by } as NewAuditEntry)
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.audit_pending (tenant_id, kind, client_id, subject, actor, data)
    values (cimd.current_tenant(), ${kind}, (select client_id from cimd.clients where id = ${client ?? null}),
      ${subject ?? null}, ${JSON.stringify(actor)}::jsonb, ${JSON.stringify(data)}::jsonb)`.execute(trx)
}

/** Notes an entry about each of some clients, for every tenant that uses one, on behalf of the fetcher. */
export async function noteClientsAudit(
  trx: Transaction,
  clients: RawBuilder<unknown>,
  { kind, data }: Pick<Extract<NewAuditEntry, { readonly kind: 'ownership.judged' }>, 'kind' | 'data'>,
): Promise<void> {
  const draft = draftAuditEntry({ kind, actor: FETCHER, data })
  await sql`
    insert into cimd.audit_pending (client_ref, kind, client_id, actor, data)
    select c.id, ${draft.kind}, c.client_id, ${JSON.stringify(draft.actor)}::jsonb, ${JSON.stringify(draft.data)}::jsonb
    from cimd.clients c where ${clients}`.execute(trx)
}

/** What an attempt puts into the audit of every tenant that uses the client. */
export type AuditedFetch = Extract<NewAuditEntry, { kind: 'fetch.recorded' }>['data']

const FETCHER = { kind: 'service', id: 'fetcher' } as const

/** As JSON what a fetch puts into the audit; null: nothing. */
export function auditedFetchJson(clientId: string, data: AuditedFetch | undefined): string | null {
  if (data === undefined) return null
  const draft = draftAuditEntry({ kind: 'fetch.recorded', clientId, actor: FETCHER, data })
  return JSON.stringify(rowOfDraft(draft))
}

function rowOfDraft({ clientId, ...draft }: AuditDraft) {
  return { ...draft, client_id: clientId }
}
