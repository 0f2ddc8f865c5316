import { describe, expect, it } from 'vitest'
import { isWanted, type SubscriptionFilter } from './subscription-filter.ts'

const CLIENT_ID = 'https://app.example.com/client.json'
const discovered = { type: 'client.discovered', clientId: CLIENT_ID, data: { digest: 'aa' } }
const changed = (...classes: string[]) => ({
  type: 'client.metadata_changed',
  clientId: CLIENT_ID,
  data: { classes },
})
const advertise = { type: 'service.advertise_changed', clientId: undefined, data: { advertise: false } }

describe('a subscription', () => {
  it.each<[string, SubscriptionFilter, Parameters<typeof isWanted>[1], boolean]>([
    ['that asks for nothing in particular has everything', {}, discovered, true],
    ['has the types it names', { types: ['client.discovered'] }, discovered, true],
    ['has no others', { types: ['client.withdrawn'] }, discovered, false],
    ['has the host it names', { hosts: ['app.example.com'] }, discovered, true],
    ['has no host below it', { hosts: ['example.com'] }, discovered, false],
    ['has all hosts below a pattern', { hosts: ['*.example.com'] }, discovered, true],
    ['has not the host of a pattern itself', { hosts: ['*.app.example.com'] }, discovered, false],
    ['has no host that merely ends like a pattern', { hosts: ['*.ple.com'] }, discovered, false],
    ['has one of several hosts', { hosts: ['other.example', '*.example.com'] }, discovered, true],
    ['for hosts has what is about no client', { hosts: ['other.example'] }, advertise, true],
    ['has changes of its classes', { changeClasses: ['narrowing'] }, changed('display', 'narrowing'), true],
    ['has no changes of others alone', { changeClasses: ['narrowing'] }, changed('display'), false],
    ['for classes has other types', { changeClasses: ['narrowing'] }, discovered, true],
    ['needs all it asks for', { types: ['client.discovered'], hosts: ['other.example'] }, discovered, false],
    [
      'has a change whose classes cannot be told',
      { changeClasses: ['keys'] },
      { ...changed(), data: {} },
      true,
    ],
  ])('%s', (_what, filter, event, wanted) => {
    expect(isWanted(filter, event)).toBe(wanted)
  })

  it('for hosts has an event about a client whose host cannot be told', () => {
    expect(isWanted({ hosts: ['app.example.com'] }, { ...discovered, clientId: 'no URL' })).toBe(true)
  })
})
