import type { ClientIdUrl } from '@cimd/core'
import { DAY, HOUR, type Instant, KINDS, type Kind, type KindName, kindOf, MINUTE } from './kinds.ts'
import { unit } from './random.ts'

/** What a run is made from: equal settings give equal origins and equal uses. */
export type Settings = {
  readonly seed: number
  readonly clients: number
  readonly days: number
  /** How many of the clients are the operator's canaries. */
  readonly canaries: number
}

/** One client: a publisher, and those who use it. */
export type Client = {
  readonly index: number
  readonly clientId: ClientIdUrl
  readonly host: string
  readonly kindName: KindName
  readonly kind: Kind
  /** What its random numbers depend on; those of one host fail together. */
  readonly seed: number
  readonly failingSeed: number
  readonly hot: boolean
  readonly canary: boolean
  /** Which tenants use it. */
  readonly tenants: readonly number[]
  /** When somebody first uses it. */
  readonly beginsAt: Instant
  /** On average over a week, of all tenants together. */
  readonly usesPerDay: number
}

export const TENANTS = 2

/** Of ten clients of a kind one is hot. */
const HOT_EVERY = 10
const COLD_USES_PER_DAY = 0.25
const HOT_USES_PER_LIFETIME = 1.2
const HOT_USES_PER_DAY_MIN = 12
/** A user comes to each client for the first time within these hours. */
const FIRST_USES_SECONDS = 10 * HOUR
/**
 * To those of one host all come at once, so that all are due at once a day later: at an hour whose next ones are together as
 * busy as any, since the formula is of uses at random and not of a rush before the busiest hours.
 */
const RUSH_AT = 4 * HOUR
const RUSH_SECONDS = 3 * MINUTE
/** The operator's own documents: short lives, always right. */
const CANARY_KIND: KindName = 'no-store'

/** Every client of a run, always the same for the same settings. */
export function populate(settings: Settings): readonly Client[] {
  const names = Object.keys(KINDS) as KindName[]
  const clients: Client[] = []
  for (const name of names) {
    const many = Math.round((settings.clients * kindOf(name).share) / 1000)
    for (let nth = 0; nth < many; nth += 1) clients.push(clientOf(settings, clients.length, name, nth))
  }
  return clients
}

function clientOf({ seed, canaries }: Settings, index: number, kindName: KindName, nth: number): Client {
  const kind = kindOf(kindName)
  const host = kind.oneHost ? 'documents.one-host-of-many.net' : `app.publisher-${index}.net`
  const hot = nth % HOT_EVERY === 0
  const canary = kindName === CANARY_KIND && nth < canaries
  const hostSeed = Math.floor(unit(seed, 1, kind.oneHost ? kind.share : index + 1_000_000) * 2 ** 31)
  return {
    index,
    clientId: `https://${host}/clients/${index}/client.json` as ClientIdUrl,
    host,
    kindName,
    kind,
    seed: Math.floor(unit(seed, 2, index) * 2 ** 31),
    failingSeed: hostSeed,
    hot,
    canary,
    tenants: hot ? [0, 1] : [index % TENANTS],
    beginsAt: kind.oneHost
      ? RUSH_AT + unit(seed, 3, index) * RUSH_SECONDS
      : unit(seed, 3, index) * FIRST_USES_SECONDS,
    usesPerDay: hot ? hotUsesPerDay(kind) : COLD_USES_PER_DAY,
  }
}

function hotUsesPerDay({ lifetimeSeconds }: Kind): number {
  return Math.max(HOT_USES_PER_DAY_MIN, (HOT_USES_PER_LIFETIME * DAY) / lifetimeSeconds)
}
