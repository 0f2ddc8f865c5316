import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plainText } from './predicates.ts'

const SOURCES = fileURLToPath(new URL('../../packages/store/src', import.meta.url))

/**
 * Files of the store whose statements are not the api's for one tenant, and whose they are. What is in none of them must be
 * sent by the scenario.
 */
const OF_NO_TENANT: Readonly<Record<string, string>> = {
  'approvals.ts': "an operator's, who names the tenant",
  'audit-chain.ts': "the scheduler's, which gives the entries of all tenants their places",
  'audit-cut.ts': "the scheduler's and an operator's: what is too old, a tenant at a time",
  'bridges.ts': "the notifier's, which publishes every tenant's feed, each in a transaction of its tenant",
  'domains.ts': "the fetcher's, and an operator's, who sees which tenants trust an owner",
  'due-facts.ts': "the scheduler's, about whether anybody uses a client",
  'fan-out.ts': "the notifier's, which takes the subscription that is behind, whose ever it is",
  'forgetting.ts': "the scheduler's, about clients that nobody uses",
  'lanes.ts': "the notifier's, which takes the lanes of all tenants in turn",
  'outbox.ts': "the scheduler's and the notifier's, which give every feed its positions",
  'resource-schedule.ts': "the scheduler's, about whether anybody uses a client",
  'retention.ts': "the scheduler's, about what is too old, whose ever it is",
  'schedule.ts': "the scheduler's, about whether anybody uses a client",
  'settle-delivery.ts': "the notifier's, about the subscription of a lane it has claimed",
  'stale-limits.ts': "an operator's, who names the tenant",
  'status.ts': "an operator's, about the whole deployment",
  'tables.ts': 'types',
  'tenant-quotas.ts': "an operator's, who names the tenant",
  'tenant-removal.ts': "an operator's, who names the tenant",
  'tenants.ts': "an operator's, about tenants",
}

/** Single functions of files that are otherwise sent. */
const FUNCTIONS_OF_NO_TENANT: Readonly<Record<string, string>> = {
  'api-keys.ts findKeyTenant': "an operator's, who does not know yet whose a key is",
  'api-keys.ts hasApiKey': "an operator's, who names the tenant",
  'attempts.ts recordAttempt': "the fetcher's, about a client",
  'audit-pending.ts noteClientsAudit': "the fetcher's, about the clients of a domain, whoever uses them",
  'audited-tenants.ts openTenant': "an operator's, about tenants",
  'claims.ts endClaim': "the fetcher's, about a client, whoever waits for it",
  'decisions.ts dropDue': "the scheduler's, in a transaction of the tenant",
  'decisions.ts findDueDecisions': "the scheduler's, about what is due, whose ever it is",
  'decisions.ts findUnjudgedTenants': "the scheduler's, about tenants",
  'decisions.ts lockDecisions': "the scheduler's, in a transaction of the tenant",
  'decisions.ts noteJudged': "the scheduler's, in a transaction of the tenant",
  'decisions.ts settleDecision': "the scheduler's, in a transaction of the tenant",
  'decisions.ts tryLockJudging': "the scheduler's, in a transaction of the tenant",
  'domain-eras.ts forgetDomains': "the scheduler's, about domains of which nobody has a client",
  'fetch-places.ts DROP_ANSWERED': "the scheduler's, about the lines of all tenants",
  'fetch-places.ts IS_LINE': "the fetcher's, about the lines of all tenants",
  'fetch-places.ts admit': "the scheduler's, about the lines of all tenants",
  'fetch-places.ts call': "the scheduler's, about the lines of all tenants",
  'fetch-places.ts leaveLine': "an operator's, who names the tenant",
  'fetch-places.ts leavePlaces': "the fetcher's, about a client, whoever waited for it",
  'quota-windows.ts deleteEndedQuotaWindows': "the scheduler's, about what has ended, whose ever it is",
  'registrations.ts pinRegistrations': "the scheduler's, about what was fetched, whose ever it is",
  'reputation.ts endReputation': "the scheduler's, about clients that nobody uses",
  'resources.ts recordResource': "the fetcher's, about a client",
  'subjects.ts eraseUnusedSubjects': "the scheduler's, about who was not reported for long, whose ever it is",
  'tickets.ts deleteExpiredTickets': "the scheduler's, about what has expired, whose ever it is",
}

const VERBS: Readonly<Record<string, string>> = {
  selectFrom: 'from',
  innerJoin: 'inner join',
  leftJoin: 'left join',
  insertInto: 'insert into',
  updateTable: 'update',
  deleteFrom: 'delete from',
}

/** Places of the store that name a tenant's table and that no statement sent came from, as `file function: text`. */
export function unsentOf(sent: readonly string[], tables: readonly string[]): string[] {
  const files = globSync('*.ts', { cwd: SOURCES }).filter((file) => !file.endsWith('.test.ts'))
  const used = new Set<string>()
  const unsent = files.flatMap((file) => {
    if (file in OF_NO_TENANT) return []
    return placesOf(file, tables).flatMap(({ owner, fragment }) => {
      if (owner in FUNCTIONS_OF_NO_TENANT) used.add(owner)
      return owner in FUNCTIONS_OF_NO_TENANT || sent.some((text) => text.includes(fragment))
        ? []
        : [`${owner}: ${fragment}`]
    })
  })
  const unknown = Object.keys(OF_NO_TENANT).filter((file) => !files.includes(file))
  const unused = Object.keys(FUNCTIONS_OF_NO_TENANT).filter((owner) => !used.has(owner))
  return [...unsent, ...[...unknown, ...unused].map((name) => `${name} is listed and not there`)]
}

type Place = { readonly owner: string; readonly fragment: string }

function placesOf(file: string, tables: readonly string[]): Place[] {
  const source = readFileSync(join(SOURCES, file), 'utf8').replaceAll(
    /\/\*[\s\S]*?\*\/|(?<=^\s*)\/\/.*$/gm,
    '',
  )
  const named = new RegExp(String.raw`\bcimd\.(?:${tables.join('|')})\b`, 'g')
  return [...source.matchAll(named)].flatMap(({ index }) => {
    const fragment = builderFragment(source, index) ?? templateFragment(source, index)
    return fragment === undefined
      ? []
      : [{ owner: `${basename(file)} ${functionAt(source, index)}`, fragment }]
  })
}

/** `innerJoin('cimd.tickets as t'` was sent as `inner join cimd.tickets as t`. */
function builderFragment(source: string, index: number): string | undefined {
  const verb = /\.(\w+)\('$/.exec(source.slice(0, index))?.[1]
  const name = /^[^']*/.exec(source.slice(index))?.[0]
  return verb === undefined || VERBS[verb] === undefined ? undefined : `${VERBS[verb]} ${name}`
}

/** What stands around the table in its template, up to the next value or the end. Undefined where it is in no template. */
function templateFragment(source: string, index: number): string | undefined {
  const start = Math.max(source.lastIndexOf('`', index), source.lastIndexOf('}', index)) + 1
  const isTemplate = [...source.slice(0, index).matchAll(/`/g)].length % 2 === 1
  const end = /\$\{|`/.exec(source.slice(index))?.index ?? 0
  if (!isTemplate) return undefined
  const lines = source.slice(start, index + end).replaceAll(/--.*$/gm, '')
  return plainText(lines)
}

function functionAt(source: string, index: number): string {
  const names = [...source.slice(0, index).matchAll(/^(?:export )?(?:async )?(?:function|const) (\w+)/gm)]
  return names.at(-1)?.[1] ?? 'nowhere'
}
