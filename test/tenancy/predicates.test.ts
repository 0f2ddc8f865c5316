import { describe, expect, it } from 'vitest'
import { mentions, tenantPredicates, withoutPredicates } from './predicates.ts'
import { unsentOf } from './store-statements.ts'

const TABLES = ['interest', 'tickets', 'tenants', 'subscriptions']

describe('tenantPredicates', () => {
  it.each([
    [
      'select 1 from cimd.interest i where i.tenant_id = cimd.current_tenant()',
      ['i.tenant_id = cimd.current_tenant()'],
    ],
    ['select 1 from "cimd"."tickets" as "t" where "t"."tenant_id" = $2', ['"t"."tenant_id" = $2']],
    ['left join cimd.tenants t on t.id = cimd.current_tenant()', ['t.id = cimd.current_tenant()']],
    ['where tenant_id = i.tenant_id and version_id = v.id', ['tenant_id = i.tenant_id']],
    ['where s.id = $1 and client_id = $2', []],
    ['insert into cimd.tickets (tenant_id) values (cimd.current_tenant())', []],
    ['update cimd.tickets set tenant_id = $1', []],
  ])('of %s', (text, found) => {
    expect(tenantPredicates(text).map((predicate) => predicate.text)).toEqual(found)
  })

  it('are left out one by one, and parameters keep their places', () => {
    const text = 'select 1 from cimd.tickets where tenant_id = $1 and id = $2 and x.tenant_id = y.tenant_id'
    const [first, second] = tenantPredicates(text)
    expect(first && withoutPredicates(text, [first])).toContain(
      'where ($1::uuid is not null) and id = $2 and x.',
    )
    expect(second && withoutPredicates(text, [second])).toMatch(/tenant_id = \$1 and id = \$2 and true$/)
  })
})

describe('mentions', () => {
  it.each([
    ['select 1 from cimd.interest where tenant_id = cimd.current_tenant()', [true]],
    ['select 1 from cimd.interest i, cimd.tickets where i.tenant_id = cimd.current_tenant()', [true, false]],
    ['insert into cimd.tickets (tenant_id, x) select cimd.current_tenant(), 1', [true]],
    [
      'insert into cimd.tickets (tenant_id, x) select cimd.current_tenant(), count(*) from cimd.interest',
      [true, false],
    ],
    ['update cimd.subscriptions set url = $1 where id = $2', [false]],
    ['select 1 from cimd.clients', []],
  ])('of %s', (text, named) => {
    expect(mentions(text, TABLES).map((mention) => mention.named)).toEqual(named)
  })
})

describe('unsentOf', () => {
  it('finds every place of the store while nothing was sent', () => {
    const unsent = unsentOf([], TABLES)
    expect(unsent).toContain('tickets.ts findTicket: from cimd.tickets as t')
    expect(unsent.filter((place) => place.startsWith('clients.ts findClient: '))).toHaveLength(2)
  })
})
