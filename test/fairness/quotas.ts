import type { ClientIdUrl } from '@cimd/core'
import { setQuotas } from '@cimd/store'
import { drive } from '../bench/stopwatch.ts'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import type { Pipeline } from '../harness/pipeline.ts'
import { type ContactTimes, contactAll } from './contacts.ts'

/** First contacts that the greedy tenant may have in an hour, and its resolutions in a second. */
const QUOTAS = { contacts_per_hour: 200, resolves_per_second: 400 } as const
/** How many it asks for. */
export const GREEDY = { contacts: 2000, resolves: 6000 } as const
const CONCURRENCY = 16

/** What became of requests beyond a quota. */
export type Bounded = {
  readonly asked: number
  readonly seconds: number
  readonly taken: number
  /** Answered with 429 and the seconds to wait. */
  readonly refused: number
  /** The most that the quota allows for as long as it took. */
  readonly most: number
}

export type QuotaLoad = {
  readonly contacts: Bounded
  readonly resolves: Bounded
  /** First contacts of another tenant meanwhile. */
  readonly others: ContactTimes
}

/** Has one tenant ask for far more than its quotas allow, over HTTP and many at once, while another has first contacts. */
export async function measureQuotas(
  pipeline: Pipeline,
  clients: { readonly greedy: readonly ClientIdUrl[]; readonly others: readonly ClientIdUrl[] },
): Promise<QuotaLoad> {
  const [greedy, other] = await Promise.all([
    pipeline.addTenant('greedy'),
    pipeline.addTenant('beside the greedy'),
  ])
  await setQuotas(pipeline.db, 'greedy', { contacts_per_hour: QUOTAS.contacts_per_hour })
  const [contacts, others] = await Promise.all([
    askForContacts(greedy, clients.greedy),
    contactAll(other, clients.others),
  ])
  await setQuotas(pipeline.db, 'greedy', { resolves_per_second: QUOTAS.resolves_per_second })
  const [known] = clients.greedy
  return { contacts, resolves: await askAgain(greedy, known ?? ''), others }
}

async function askForContacts(api: ApiClient, clientIds: readonly ClientIdUrl[]): Promise<Bounded> {
  const [before, tally] = [hourOf(Date.now()), createTally()]
  const ms = await drive(clientIds, CONCURRENCY, async (clientId) =>
    tally.add(await api.resolve({ client_id: clientId, wait_ms: 0 })),
  )
  const hours = 1 + hourOf(Date.now()) - before
  // A tenant's contacts may be more by as many as are under way at once.
  const most = hours * (QUOTAS.contacts_per_hour + CONCURRENCY - 1)
  return { ...tally.counts(), seconds: ms / 1000, most }
}

async function askAgain(api: ApiClient, clientId: string): Promise<Bounded> {
  const tally = createTally()
  const turns = Array.from({ length: GREEDY.resolves }, (_, turn) => turn)
  const ms = await drive(turns, CONCURRENCY, async () =>
    tally.add(await api.resolve({ client_id: clientId, wait_ms: 0 })),
  )
  const seconds = ms / 1000
  return { ...tally.counts(), seconds, most: Math.ceil((1 + seconds) * QUOTAS.resolves_per_second) }
}

function hourOf(ms: number): number {
  return Math.floor(ms / 3_600_000)
}

function createTally() {
  const counts = { asked: 0, taken: 0, refused: 0 }
  return {
    add: ({ status, headers, body }: ApiAnswer): void => {
      counts.asked += 1
      if (status === 200 || status === 202) counts.taken += 1
      else if (status === 429 && headers.has('retry-after')) counts.refused += 1
      else throw new Error(`${status} ${JSON.stringify(body)}`)
    },
    counts: () => counts,
  }
}
