import { API_KEY_SCOPES, createApiKey, createOperatorKey } from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { serveApi } from '../integration/api-bundle.ts'
import { describeStore, setup, type TestStore } from '../integration/store-bundle.ts'
import { nameOf } from './resources.ts'
import { ROUTES, type RouteRow, requestOf, type Whose } from './routes.ts'

/** A key, or what is sent in place of one, and the scopes it has; undefined: nobody is known by it. */
type Role = { readonly key: string | undefined; readonly scopes: readonly string[] | undefined }
type Answer = { readonly status: number; readonly told: string }

const UNKNOWN = `${'0'.repeat(12)}_${'A'.repeat(43)}`
const ROLES = [
  ...['no key', 'a malformed key', 'an unknown key', 'an expired key', 'a revoked key'],
  ...API_KEY_SCOPES.map((scope) => `a key for ${scope}`),
  ...['a key for everything', 'a key for nothing'],
  ...["an operator's key", "an unknown operator's key", "a revoked operator's key"],
] as const

describeStore('every route, for every role, about what is its own and what is not', () => {
  let store: TestStore
  let api: Awaited<ReturnType<typeof serveApi>>
  let roles: Readonly<Record<string, Role>>
  beforeAll(async () => {
    store = await setup()
    api = await serveApi(store.url, {
      ...{ CIMD_SUBSCRIPTIONS_PER_TENANT_MAX: '10000', CIMD_OPERATOR_ROUTES: 'true' },
    })
    roles = await makeRoles(store)
  })
  afterAll(async () => {
    await api?.stop()
    await store?.[Symbol.asyncDispose]()
  })

  const ask = async (role: string, route: string, name: string): Promise<Answer> => {
    const { path, init } = requestOf(route, name)
    const key = roles[role]?.key
    const headers = { ...init.headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) }
    const response = await fetch(`${api.baseUrl}${path}`, { ...init, headers })
    const fields = [...response.headers].filter(([field]) => field !== 'date')
    const text = `${JSON.stringify(fields)} ${await response.text()}`
    return {
      status: response.status,
      told: text.replaceAll(UUID, 'id').replaceAll(INSTANT, 'then').replaceAll(name, 'name'),
    }
  }

  it('stands in the table, and nothing else does', async () => {
    const described = await describedRoutes(api.baseUrl)
    expect(Object.keys(ROUTES).toSorted()).toEqual([...described.keys()].toSorted())
    for (const [route, scope] of described)
      if (scope !== undefined) expect([route, scope]).toEqual([route, ROUTES[route]?.scope])
  })

  it.each(Object.entries(ROUTES))('%s', async (route, row) => {
    const unexpected: unknown[] = []
    for (const role of ROLES) {
      const answers = await answersTo(row, (name) => ask(role, route, name), store)
      const { own, other, nobody } = answers
      const status = expectedStatus(row, roles[role] ?? { key: undefined, scopes: undefined })
      if (own.status !== status) unexpected.push({ role, own, status })
      if (row.about !== 'nothing' && !isSame(other, nobody)) unexpected.push({ role, other, nobody })
      const isKept = own.status === row.status && row.about !== 'nothing' && row.alike === undefined
      if (isKept && isSame(own, other)) unexpected.push({ role, own, other })
    }
    expect(unexpected).toEqual([])
  })

  it('says the same of a key that is unknown, expired or revoked', async () => {
    const told = async (route: string, ...unknown: string[]) =>
      new Set(await Promise.all(unknown.map(async (role) => JSON.stringify(await ask(role, route, 'first')))))
    const tenants = await told('GET /v1/events', 'an unknown key', 'an expired key', 'a revoked key')
    const operators = ["an unknown operator's key", "a revoked operator's key"]
    expect([tenants.size, (await told('GET /v1/operator/tenants', ...operators)).size]).toEqual([1, 1])
  })
})

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

function isSame(one: Answer, another: Answer): boolean {
  return one.status === another.status && one.told === another.told
}

function expectedStatus({ scope, status }: RouteRow, { key, scopes }: Role): number {
  if (scope === 'none') return status
  const kind = /^cimd(?:op)?(?=_)/.exec(key ?? '')?.[0]
  if (kind === undefined) return 401
  // Of which kind a key is can be seen by it, whether it is known or not.
  if ((kind === 'cimdop') !== (scope === 'operator')) return 403
  if (scopes === undefined) return 401
  return scope === 'any' || scopes.includes(scope) ? status : 403
}

/** The routes the api describes, each with the scope it says that it needs, where it says one. */
async function describedRoutes(baseUrl: string): Promise<Map<string, string | undefined>> {
  const response = await fetch(`${baseUrl}/openapi.json`)
  const { paths } = (await response.json()) as {
    paths: Record<string, Record<string, Record<string, string>>>
  }
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]): [string, string | undefined] => [
        `${method.toUpperCase()} ${path}`,
        operation['x-cimd-scope'],
      ]),
    ),
  )
}

/** What is answered about a resource of each: made anew every time, since some routes end what they are about. */
async function answersTo(
  { about }: RouteRow,
  ask: (name: string) => Promise<Answer>,
  store: TestStore,
): Promise<Record<Whose, Answer>> {
  const of = async (whose: Whose) => ask(await nameOf(store, about, whose))
  return { own: await of('own'), other: await of('other'), nobody: await of('nobody') }
}

async function makeRoles({ owner, tenant }: TestStore): Promise<Readonly<Record<string, Role>>> {
  const make = async (scopes: readonly string[]): Promise<Role> => ({
    ...{ key: await createApiKey(owner, tenant, scopes), scopes },
  })
  const [expired, revoked] = [await make(API_KEY_SCOPES), await make(API_KEY_SCOPES)]
  const end = (column: string, { key }: Role) =>
    sql`
    update cimd.api_keys set ${sql.ref(column)} = cimd.cimd_now() - interval '1 second'
    where prefix = ${key?.split('_')[1]}`.execute(owner)
  const [operator, revokedOperator] = [await createOperatorKey(owner), await createOperatorKey(owner)]
  await sql`update cimd.operator_keys set revoked_at = cimd.cimd_now() - interval '1 second'
    where prefix = ${revokedOperator.split('_')[1]}`.execute(owner)
  await end('expires_at', expired)
  await end('revoked_at', revoked)
  const single = await Promise.all(
    API_KEY_SCOPES.map(async (scope) => [`a key for ${scope}`, await make([scope])] as const),
  )
  return {
    'no key': { key: undefined, scopes: undefined },
    'a malformed key': { key: 'not a key', scopes: undefined },
    'an unknown key': { key: `cimd_${UNKNOWN}`, scopes: undefined },
    'an expired key': { ...expired, scopes: undefined },
    'a revoked key': { ...revoked, scopes: undefined },
    ...Object.fromEntries(single),
    'a key for everything': await make(API_KEY_SCOPES),
    'a key for nothing': await make([]),
    "an operator's key": { key: operator, scopes: ['operator'] },
    "an unknown operator's key": { key: `cimdop_${UNKNOWN}`, scopes: undefined },
    "a revoked operator's key": { key: revokedOperator, scopes: undefined },
  }
}
