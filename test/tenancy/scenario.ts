import {
  countApiKeys,
  findApiKey,
  findPseudonym,
  listDeliveries,
  readPolicyVersions,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import type { TestStore } from '../integration/store-bundle.ts'
import { rowsOf } from './catalogue.ts'
import { type Probe, probesOf } from './probes.ts'
import { type Party, serveWorld, type World } from './world.ts'

/** What was answered to one party, or what its or the other's rows became; comparable between runs. */
export type Finding = { readonly what: string; readonly found: string }

/** The order in which the parties ask: each for itself, with what is the other's beside it. */
const DIRECTIONS = [
  ['first', 'second'],
  ['second', 'first'],
] as const

/**
 * Both parties in turn ask everything there is to ask. Yields what they found, with what differs between two runs of the
 * same made the same, and after each the rows: the other's, which nothing may have changed, and its own.
 */
export async function* runScenario(store: TestStore, world: World): AsyncGenerator<Finding> {
  await using api = await serveWorld(store, world)
  const known = JSON.stringify([
    await rowsOf(store.owner, store.tenant),
    await rowsOf(store.owner, store.otherTenant),
  ])
  const settle = (text: string) => settled(text, known, world.builtAt)
  for (const [mine, theirs] of DIRECTIONS) {
    const { [mine]: me, [theirs]: other } = world.parties
    await putLast(store, me)
    const untouched = await rowsOf(store.owner, other.tenant)
    for (const probe of probesOf(world, me, other)) {
      yield { what: `${mine}: ${probe.name}`, found: settle(await answerTo(api.baseUrl, me, probe)) }
    }
    for (const [name, ask] of Object.entries(storeProbes(store, me, other))) {
      yield { what: `${mine}: ${name}`, found: settle(JSON.stringify(await ask())) }
    }
    const after = await rowsOf(store.owner, other.tenant)
    const isUntouched = JSON.stringify(after) === JSON.stringify(untouched)
    yield { what: `${mine}: rows of ${theirs}`, found: isUntouched ? 'untouched' : JSON.stringify(after) }
    for (const [table, rows] of Object.entries(await rowsOf(store.owner, me.tenant))) {
      yield { what: `${mine}: own rows of ${table}`, found: rows.map(settle).toSorted().join('\n') }
    }
  }
}

// A statement that names no tenant reads the rows in the order in which they stand: the first must not be the right one by luck.
async function putLast({ owner }: TestStore, { tenant }: Party): Promise<void> {
  await sql`update cimd.tenants set name = name where id = ${tenant}`.execute(owner)
}

// What the api asks only after another question has failed for what is another's: the answer is the statement's own.
function storeProbes({ api }: TestStore, me: Party, other: Party): Record<string, () => Promise<unknown>> {
  const [subscription] = other.subscriptions
  const newest = { state: undefined, before: undefined, limit: 50 }
  return {
    'deliveries of theirs, asked of the store': () =>
      withTenant(api, me.tenant, (trx) => listDeliveries(trx, { subscription, ...newest })),
    'a key of theirs, asked of the store': () =>
      withTenant(
        api,
        me.tenant,
        async (trx) => (await findApiKey(trx, me.tenant, other.prefixes[0])) ?? null,
      ),
    'who a subject is, asked of the store': () =>
      withTenant(api, me.tenant, async (trx) => (await findPseudonym(trx, 'carol')) ?? null),
    'which policies count, asked of the store': () => withTenant(api, me.tenant, readPolicyVersions),
    'how many keys I have, asked of the store': () =>
      withTenant(api, me.tenant, (trx) => countApiKeys(trx, me.tenant)),
  }
}

async function answerTo(baseUrl: string, { key }: Party, { method, path, body }: Probe): Promise<string> {
  const headers = {
    authorization: `Bearer ${key}`,
    ...(body && { 'content-type': 'application/json' }),
  }
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  })
  return `${response.status} ${await response.text()}`
}

const INSTANT = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)/g
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
const RANDOM =
  /(?<="(?:challenge|secret|key|prefix|key_prefix|replaced_prefix|key_sha256|replaced_by|subject_hash)": ?")[^"]+/g

// What was there when the world was built stays; what has come since is random or of its own time.
function settled(text: string, known: string, builtAt: Date): string {
  const keepKnown = (name: string) => (random: string) => (known.includes(random) ? random : name)
  return (
    text
      // The hour, which may have ended since.
      .replaceAll(/(?<="started_at": ?)"[^"]*"/g, '"the hour"')
      // Noted behind the answer, whenever that is done.
      .replaceAll(/,? ?"last_used_at": ?(?:null|"[^"]*")/g, '')
      // Minutes in which somebody asked: a slow run takes more of them.
      .replaceAll(/(?<="(?:minutes|times)": ?)\d+/g, 'some')
      .replaceAll(INSTANT, (instant) => (Date.parse(instant) > builtAt.getTime() ? 'later' : instant))
      .replaceAll(UUID, keepKnown('another'))
      .replaceAll(RANDOM, keepKnown('random'))
  )
}
