import { z } from 'zod'
import type { JsonObject, JsonValue } from '../json/json.ts'
import { AUDIT_DATA, type AuditKind } from './audit-data.ts'
import { chainFlaw } from './chainable.ts'

/** What every entry says, whatever its kind; readers ignore members that they do not know, and hash them with the rest. */
export const auditEnvelope = z.looseObject({
  tenant: z.string().min(1).max(128),
  seq: z.int().min(1).describe('The place in the tenant’s chain: from 1, without gaps.'),
  at: z.iso.datetime({ precision: 3 }).describe('When it happened. The place orders entries, not the clock.'),
  kind: z.string().regex(/^[a-z]+\.[a-z_]+$/),
  client_id: z.string().optional(),
  // A UUID has no room for a name or an address (ARC-10).
  subject: z.uuid().optional().describe('A pseudonym, whose mapping to a subject can be erased.'),
  actor: z.object({
    kind: z.enum(['key', 'service', 'operator']),
    id: z.string().min(1).max(128).describe('The prefix of the key, or the name of the service.'),
  }),
  data: z.record(z.string(), z.unknown()),
})

/** An entry as it is kept, hashed and exported. */
export type AuditEntry = JsonObject & { readonly tenant: string; readonly seq: number; readonly kind: string }

/** Who did what an entry tells: the prefix of a key, or the name of a service or of an operator's tool. */
export type AuditActor = { readonly kind: 'key' | 'service' | 'operator'; readonly id: string }

/** An entry of a kind that this release makes, before it has its place. */
export type NewAuditEntry = {
  [Kind in AuditKind]: {
    readonly kind: Kind
    readonly clientId?: string | undefined
    readonly subject?: string | undefined
    readonly actor: AuditActor
    readonly data: z.infer<(typeof AUDIT_DATA)[Kind]>
  }
}[AuditKind]

export type AuditReading<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly detail: string }

/** A new entry before it has its place, as it is kept until then; perhaps of a kind that this release does not know. */
export type AuditDraft = {
  readonly kind: string
  readonly clientId?: string | undefined
  readonly subject?: string | undefined
  readonly actor: { readonly kind: string; readonly id: string }
  readonly data: JsonObject
}

type AuditPlace = { readonly tenant: string; readonly seq: number; readonly at: Date }

/**
 * What is kept of a new entry. Throws where its data is not what its kind says or cannot be chained, which is a bug of
 * whoever made it. A member that the kind does not have is left out, so that nothing unforeseen is kept for years (ARC-10).
 */
export function draftAuditEntry({ kind, clientId, subject, actor, data }: NewAuditEntry): AuditDraft {
  // What is undefined is absent in JSON, so it is absent from what is hashed.
  const kept: JsonObject = JSON.parse(JSON.stringify(AUDIT_DATA[kind].parse(data)))
  const flaw = chainFlaw({ actor, data: kept, client_id: clientId ?? null })
  if (flaw !== undefined) throw new TypeError(`not an audit entry: ${flaw}`)
  return { kind, clientId, subject, actor, data: kept }
}

/** Gives what was kept of an entry its place in the chain. It is refused where it is no entry of any release. */
export function placeDraft(
  { kind, clientId, subject, actor, data }: AuditDraft,
  { tenant, seq, at }: AuditPlace,
): AuditReading<AuditEntry> {
  return readAuditEntry({
    ...{ tenant, seq, at: at.toISOString(), kind, actor: { ...actor }, data },
    ...(clientId !== undefined && { client_id: clientId }),
    ...(subject !== undefined && { subject }),
  })
}

/** A new entry in its place. Throws where it is not what its kind says or cannot be chained. */
export function placeEntry(made: NewAuditEntry, place: AuditPlace): AuditEntry {
  const reading = placeDraft(draftAuditEntry(made), place)
  if (!reading.ok) throw new TypeError(`not an audit entry: ${reading.detail}`)
  return reading.value
}

/** Reads an entry of any kind, of this release or a newer one: its envelope, and that it can be hashed. */
export function readAuditEntry(value: JsonValue): AuditReading<AuditEntry> {
  const flaw = chainFlaw(value)
  if (flaw !== undefined) return { ok: false, detail: flaw }
  const parsed = auditEnvelope.safeParse(value)
  if (parsed.success) return { ok: true, value: value as AuditEntry }
  const paths = parsed.error.issues.map(({ path }) => path.join('.') || 'the entry')
  return { ok: false, detail: `not as an entry has it: ${[...new Set(paths)].join(', ')}` }
}
