import { z } from 'zod'

const AMOUNT_MAX = 1_000_000_000

const amount = (least: number) => z.int().min(least).max(AMOUNT_MAX)

/** What a tenant may use of us, as it is stored and set: by these names, and no others. */
const quotasSchema = z.strictObject({
  clients: amount(0).describe('Clients that the tenant uses at most (CAC-19).').optional(),
  contacts_per_hour: amount(0).describe('First contacts with a client in an hour.').optional(),
  subject_contacts_per_hour: amount(0).describe('The same on behalf of one subject.').optional(),
  demands_without_subject_per_hour: amount(0)
    .describe('Demands in an hour on behalf of nobody who has logged in.')
    .optional(),
  resolves_per_second: amount(1).describe('Resolutions in a second, of one api process.').optional(),
})

/** Quotas that are other than what the deployment says. */
export type StoredQuotas = z.infer<typeof quotasSchema>

export type QuotaName = keyof StoredQuotas

/** Every quota, with the bound that holds. */
export type Quotas = Readonly<Record<QuotaName, number>>

/** The names of the quotas, in the order in which they are told. */
export const QUOTA_NAMES = Object.keys(quotasSchema.shape) as readonly QuotaName[]

/** Quotas as somebody sets them, or what is wrong with each: one that is not known is refused, or it would bound nothing. */
export type ParsedQuotas =
  | { readonly ok: true; readonly quotas: StoredQuotas }
  | { readonly ok: false; readonly problems: readonly string[] }

export function parseQuotas(given: unknown): ParsedQuotas {
  const parsed = quotasSchema.safeParse(given)
  if (parsed.success) return { ok: true, quotas: parsed.data }
  return {
    ok: false,
    problems: parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')),
  }
}

/**
 * The quotas of a tenant by what is stored of it and what the deployment says. What is not understood is as if it were not
 * stored: a newer release may have set it.
 */
export function quotasOf(stored: unknown, deployment: Quotas): Quotas {
  if (typeof stored !== 'object' || stored === null) return deployment
  const given = new Map(Object.entries(stored))
  if (given.size === 0) return deployment
  const boundOf = (name: QuotaName): number => {
    const bound = quotasSchema.shape[name].safeParse(given.get(name))
    return (bound.success ? bound.data : undefined) ?? deployment[name]
  }
  return {
    clients: boundOf('clients'),
    contacts_per_hour: boundOf('contacts_per_hour'),
    subject_contacts_per_hour: boundOf('subject_contacts_per_hour'),
    demands_without_subject_per_hour: boundOf('demands_without_subject_per_hour'),
    resolves_per_second: boundOf('resolves_per_second'),
  }
}
