import { describe, expect, it } from 'vitest'
import { parseQuotas, QUOTA_NAMES, type Quotas, quotasOf } from './quotas.ts'

const DEPLOYMENT: Quotas = {
  clients: 1,
  contacts_per_hour: 2,
  subject_contacts_per_hour: 3,
  demands_without_subject_per_hour: 4,
  resolves_per_second: 5,
}

describe(parseQuotas, () => {
  it('takes any of the quotas and none', () => {
    expect(parseQuotas(DEPLOYMENT)).toEqual({ ok: true, quotas: DEPLOYMENT })
    expect(parseQuotas({})).toEqual({ ok: true, quotas: {} })
    expect(parseQuotas({ contacts_per_hour: 0 })).toEqual({ ok: true, quotas: { contacts_per_hour: 0 } })
  })

  it.each([
    ['contact_per_hour', 5, 'contact_per_hour'],
    ['contacts_per_hour', -1, 'contacts_per_hour'],
    ['contacts_per_hour', 1.5, 'contacts_per_hour'],
    ['contacts_per_hour', '5', 'contacts_per_hour'],
    ['contacts_per_hour', 1_000_000_001, 'contacts_per_hour'],
    ['resolves_per_second', 0, 'resolves_per_second'],
  ])('refuses %s = %s, and says which', (name, bound, named) => {
    const parsed = parseQuotas({ [name]: bound })
    expect(parsed).toMatchObject({ ok: false, problems: [expect.stringContaining(named)] })
  })

  it('refuses what is no object', () => {
    expect(parseQuotas([])).toMatchObject({ ok: false })
  })
})

describe(quotasOf, () => {
  it('has what the deployment says where nothing is stored', () => {
    expect(quotasOf({}, DEPLOYMENT)).toBe(DEPLOYMENT)
    expect(quotasOf(null, DEPLOYMENT)).toBe(DEPLOYMENT)
    expect(quotasOf(undefined, DEPLOYMENT)).toBe(DEPLOYMENT)
  })

  it('has what is stored instead, one by one', () => {
    for (const name of QUOTA_NAMES) {
      expect(quotasOf({ [name]: 77 }, DEPLOYMENT)).toEqual({ ...DEPLOYMENT, [name]: 77 })
    }
  })

  it('passes by what it does not understand', () => {
    expect(quotasOf({ of_tomorrow: 1, clients: 'many', contacts_per_hour: 9 }, DEPLOYMENT)).toEqual({
      ...DEPLOYMENT,
      contacts_per_hour: 9,
    })
  })
})
