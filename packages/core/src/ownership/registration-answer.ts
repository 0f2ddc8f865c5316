import { isJsonObject, type JsonObject } from '../json/json.ts'
import { parseJsonDocument } from '../json/json-document.ts'
import type { Registration } from './continuity.ts'

/** Of the members of an answer only these are read: what else a registry tells of people is not kept. */
const REGISTRATIONS: ReadonlySet<string> = new Set(['registration', 'reregistration'])
const EXPIRATIONS: ReadonlySet<string> = new Set(['expiration'])
/** Far more than a domain has. */
const EVENTS_MAX = 64
/** RFC 3339, as RFC 9083 section 4.5 has it. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i
/** Its years have four digits, which an offset can exceed: what is kept of such a date could not be read again. */
const [YEAR_0, YEAR_10000] = [Date.parse('0000-01-01T00:00:00Z'), Date.parse('+010000-01-01T00:00:00Z')]

/**
 * When a domain was registered and when its registration ends, from the answer of an RDAP server about it (RFC 9083 sections 4.5
 * and 5.3). Undefined: it is no such answer, or one about another domain, or it tells neither. Of several events of a kind that
 * counts which excuses less: the last registration, the first end.
 */
export function parseRegistration(body: Uint8Array, domain: string): Registration | undefined {
  const parsed = parseJsonDocument(body)
  if (!parsed.ok || !isAbout(parsed.value, domain)) return undefined
  const events = eventsOf(parsed.value)
  const registered = timesOf(events, REGISTRATIONS)
  const ends = timesOf(events, EXPIRATIONS)
  if (registered.length === 0 && ends.length === 0) return undefined
  return {
    ...(registered.length > 0 && { registeredAt: new Date(Math.max(...registered)) }),
    ...(ends.length > 0 && { expiresAt: new Date(Math.min(...ends)) }),
  }
}

function isAbout({ objectClassName, ldhName }: JsonObject, domain: string): boolean {
  if (objectClassName !== 'domain' || typeof ldhName !== 'string') return false
  return ldhName.toLowerCase().replace(/\.$/, '') === domain
}

function eventsOf({ events }: JsonObject): readonly JsonObject[] {
  return Array.isArray(events) ? events.slice(0, EVENTS_MAX).filter(isJsonObject) : []
}

function timesOf(events: readonly JsonObject[], actions: ReadonlySet<string>): readonly number[] {
  return events.flatMap((event) =>
    typeof event['eventAction'] === 'string' && actions.has(event['eventAction']) ? timeOf(event) : [],
  )
}

function timeOf({ eventDate }: JsonObject): readonly number[] {
  const time = typeof eventDate === 'string' && INSTANT.test(eventDate) ? Date.parse(eventDate) : Number.NaN
  return time >= YEAR_0 && time < YEAR_10000 ? [time] : []
}
