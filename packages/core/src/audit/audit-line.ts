import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { type AuditEntry, type AuditReading, readAuditEntry } from './audit-entry.ts'
import { AUDIT_FORMAT } from './entry-hash.ts'

/** An entry with its own hash and that of the one before it. */
export type ChainedEntry = {
  readonly entry: AuditEntry
  readonly hash: string
  readonly previousHash: string
}

/** The hash that a chain had at a place. What an operator keeps of it elsewhere shows an end that was cut off. */
export type ChainHead = { readonly seq: number; readonly hash: string }

/** Where a chain begins after a retention cut: the last entry that is gone, and how many went with it. */
export type ChainAnchor = ChainHead & { readonly count: number }

/** What an export begins with. */
export type AuditHeader = { readonly tenant: string; readonly anchor?: ChainAnchor | undefined }

export type AuditLine =
  | { readonly kind: 'header'; readonly header: AuditHeader }
  | { readonly kind: 'entry'; readonly chained: ChainedEntry }

/** More than any entry comes to: a document is read up to a few kilobytes. */
export const AUDIT_LINE_LENGTH_MAX = 262_144

/** The first line of an export, without its line end. */
export function formatAuditHeader({ tenant, anchor }: AuditHeader): string {
  const told = anchor && { seq: anchor.seq, hash: anchor.hash, count: anchor.count }
  return canonicalJson({ format: AUDIT_FORMAT, tenant, ...(told && { anchor: told }) })
}

/** The line of one entry, without its line end: canonical JSON throughout. */
export function formatAuditLine({ entry, hash, previousHash }: ChainedEntry): string {
  return canonicalJson({ entry, hash, previous_hash: previousHash })
}

/**
 * Reads one line of an export. A line that is not canonical is none of ours: with a member given twice, two readers would see
 * two entries.
 */
export function readAuditLine(line: string): AuditReading<AuditLine> {
  if (line.length > AUDIT_LINE_LENGTH_MAX) return refuse('the line is too long')
  const value = parseJson(line)
  if (value === undefined || !isJsonObject(value)) return refuse('the line is not a JSON object')
  return 'format' in value ? readHeader(line, value) : readEntry(line, value)
}

function readHeader(line: string, { format, tenant, anchor }: JsonObject): AuditReading<AuditLine> {
  if (format !== AUDIT_FORMAT) return refuse('the format is not one that is known')
  const told = anchor === undefined ? undefined : anchorOf(anchor)
  if (typeof tenant !== 'string' || (anchor !== undefined && told === undefined)) {
    return refuse('the header is not as it should be')
  }
  const header = { tenant, anchor: told }
  if (formatAuditHeader(header) !== line) return refuse('the line is not canonical JSON')
  return { ok: true, value: { kind: 'header', header } }
}

function anchorOf(value: JsonValue): ChainAnchor | undefined {
  if (!isJsonObject(value)) return undefined
  const { seq, hash, count } = value
  return isCount(seq) && isHash(hash) && isCount(count) ? { seq, hash, count } : undefined
}

function readEntry(line: string, value: JsonObject): AuditReading<AuditLine> {
  const { entry, hash, previous_hash: previousHash } = value
  if (entry === undefined || !isHash(hash) || !isHash(previousHash)) {
    return refuse('the line has no entry, hash or previous_hash')
  }
  const reading = readAuditEntry(entry)
  if (!reading.ok) return reading
  const chained = { entry: reading.value, hash, previousHash }
  if (formatAuditLine(chained) !== line) return refuse('the line is not canonical JSON')
  return { ok: true, value: { kind: 'entry', chained } }
}

function isHash(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

function isCount(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

function parseJson(line: string): JsonValue | undefined {
  try {
    return JSON.parse(line)
  } catch {
    // A line that is not JSON is all that it throws for.
    return undefined
  }
}

function refuse(detail: string): { readonly ok: false; readonly detail: string } {
  return { ok: false, detail }
}
