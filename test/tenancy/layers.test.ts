import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeStore } from '../integration/store-bundle.ts'
import { mentions, plainText, tenantPredicates, touches, withoutPredicates } from './predicates.ts'
import type { Finding } from './scenario.ts'
import { openStage, type Stage } from './stage.ts'
import type { SentStatement } from './statements.ts'
import { unsentOf } from './store-statements.ts'

/**
 * What locks or makes a subscription or a key of the tenant: a statement that goes on with its name in the same transaction is of that
 * tenant without saying so once more.
 */
const GUARDS = [
  /from cimd\.subscriptions where tenant_id = cimd\.current_tenant\(\) and id = \$\d+ for no key update$/,
  /from cimd\.api_keys where tenant_id = \$\d+ and prefix = \$\d+ for (?:no key )?update$/,
  /^insert into cimd\.subscriptions \(tenant_id,.*\) values \(cimd\.current_tenant\(\),/,
]
const RUNS_AT_ONCE = 2

describeStore('the two layers that keep tenants apart', () => {
  let stage: Stage
  let expected: readonly Finding[]
  const sent: SentStatement[] = []
  const ofTenants = () => sent.filter(({ text }) => touches(text, stage.tables))

  beforeAll(async () => {
    stage = await openStage()
    expected = await stage.findings({ onSent: (statement) => sent.push(statement) })
  })
  afterAll(() => stage?.[Symbol.asyncDispose]())

  it('together show nobody anything of the other, and let nobody touch it', () => {
    const { first, second } = stage.world.parties
    for (const [me, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const mine = expected.filter(({ what }) => what.startsWith(`${me.name}: `))
      expect(foundOf(mine, `rows of ${other.name}`)).toBe('untouched')
      const names = [other.own, other.ticket, other.tenant, ...other.subscriptions]
      expect(
        mine.filter(({ what, found }) => !isAboutTheirs(what) && names.some((name) => found.includes(name))),
      ).toEqual([])
      expect(foundOf(mine, 'their ticket')).toBe(foundOf(mine, 'no ticket'))
      expect(foundOf(mine, 'their subscription')).toContain('subscription_unknown')
      expect(foundOf(mine, 'client theirs')).toContain('client_unknown')
    }
  })

  it('the code alone is enough: under a role for which no policy counts nothing is found otherwise', async () => {
    expect(await stage.firstDifference(expected, { role: stage.unboundRole })).toBeUndefined()
  })

  it('row-level security alone is enough: without any predicate of the code nothing is found otherwise', async () => {
    const rewrite = (text: string) =>
      touches(text, stage.tables) ? withoutPredicates(text, tenantPredicates(text)) : text
    expect(await stage.firstDifference(expected, { rewrite })).toBeUndefined()
  })

  it('every statement names the tenant of every table that has one, or follows one that found what it is about', () => {
    const unnamed = ofTenants().filter(({ text }) => mentions(text, stage.tables).some(({ named }) => !named))
    expect(textsOf(unnamed.filter((statement) => !isGuarded(statement)))).toEqual([])
  })

  it('no predicate can be left out of any statement unseen, where the code is alone', async () => {
    const mutants = textsOf(ofTenants()).flatMap((text) =>
      tenantPredicates(text).map((predicate) => ({ text, predicate })),
    )
    const survivors = await keepUnseen(mutants, async ({ text, predicate }) => {
      const rewrite = (asked: string) => (asked === text ? withoutPredicates(text, [predicate]) : asked)
      return stage.firstDifference(expected, { role: stage.unboundRole, rewrite })
    })
    const isRedundant = (text: string) =>
      ofTenants()
        .filter((one) => one.text === text)
        .every(isGuarded)
    expect(mutants.length).toBeGreaterThan(20)
    expect(survivors.filter(({ text }) => !isRedundant(text))).toEqual([])
  })

  it('no statement of the store about tenants is left out of this, save those of services that serve all of them', () => {
    expect(unsentOf(textsOf(sent).map(plainText), stage.tables)).toEqual([])
  })
})

function foundOf(findings: readonly Finding[], name: string): string | undefined {
  return findings.find(({ what }) => what.endsWith(`: ${name}`))?.found
}

// What was asked for is told back, and nothing else.
function isAboutTheirs(what: string): boolean {
  return /\btheirs?\b/.test(what)
}

function isGuarded({ before }: SentStatement): boolean {
  return before.some((text) => GUARDS.some((guard) => guard.test(plainText(text))))
}

function textsOf(statements: readonly SentStatement[]): string[] {
  return [...new Set(statements.map(({ text }) => text))]
}

/** Those for which nothing was found, several tried at once. */
async function keepUnseen<T>(items: readonly T[], find: (item: T) => Promise<unknown>): Promise<T[]> {
  const unseen: T[] = []
  const waiting = [...items]
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      if ((await find(item)) === undefined) unseen.push(item)
    }
  }
  await Promise.all(Array.from({ length: RUNS_AT_ONCE }, work))
  return unseen
}
