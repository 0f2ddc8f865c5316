/** A refresh that may begin as far as its client is concerned. */
export type DueRefresh = {
  readonly client: string
  readonly host: string
  /** The turn it was given before; undefined for one that is newly due. */
  readonly turnAt: Date | undefined
  /** The publisher's word is being decided on, for which there is little time (CAC-14). */
  readonly deciding: boolean
  /** End of the newest attempt, if there was one. */
  readonly attemptedAt: Date | undefined
}

export type RefreshPace = { readonly refreshesPerMinute: number; readonly now: Date }

/** Where a host stands: the end of its line, and what has begun of it. */
export type HostPace = {
  /** When the next turn to be given is. */
  readonly nextTurnAt: Date
  /** When the next refresh would begin if none were ever late. */
  readonly nextStartAt: Date
}

/** Who goes, who waits for which turn, and where each of their hosts stands then. */
export type PacedRefreshes = {
  readonly go: readonly string[]
  readonly wait: readonly { readonly client: string; readonly notBefore: Date }[]
  readonly paces: ReadonlyMap<string, HostPace>
}

/** So many turns of a host may be taken at once: what its pace allows in a second. */
const BURST_MS = 1000

/**
 * Gives the refreshes of each host their turns, so that a host with 10,000 documents is asked evenly (FET-23): the generic
 * cell rate algorithm (GCRA) twice. Once for turns, which are given in the order of `due`, so that each is looked at again
 * when it is likely to begin; and once for what really begins, since after a pause of ours all turns have come at once. A
 * turn that was missed keeps its place: it goes before every later one, and those that cannot go now are given the
 * instants next to come, without a step back in the line. What decides on a publisher's word goes before the line and
 * takes no turn in it: it may begin when anything may. Hosts do not know of each other.
 */
export function paceRefreshes(
  due: readonly DueRefresh[],
  paces: ReadonlyMap<string, HostPace>,
  pace: RefreshPace,
): PacedRefreshes {
  const paced = [...Map.groupBy(due, ({ host }) => host)].map(([host, ofHost]) => ({
    host,
    ...paceHost(ofHost, paces.get(host), pace),
  }))
  return {
    go: paced.flatMap(({ go }) => go),
    wait: paced.flatMap(({ wait }) => wait),
    paces: new Map(paced.map(({ host, after }) => [host, after])),
  }
}

function paceHost(
  due: readonly DueRefresh[],
  before: HostPace | undefined,
  { refreshesPerMinute, now }: RefreshPace,
) {
  const nowMs = now.getTime()
  const intervalMs = 60_000 / refreshesPerMinute
  const turnToleranceMs = Math.max(0, BURST_MS - intervalMs)
  let turnMs = Math.max(before?.nextTurnAt.getTime() ?? 0, nowMs)
  let startMs = Math.max(before?.nextStartAt.getTime() ?? 0, nowMs)
  let startedMs = startMs
  const go: string[] = []
  const wait: { client: string; notBefore: Date }[] = []
  for (const { client, turnAt, deciding } of inLine(due)) {
    const mineMs = deciding ? nowMs : (turnAt?.getTime() ?? turnMs - turnToleranceMs)
    if (!deciding && turnAt === undefined) turnMs += intervalMs
    const beginMs = mineMs > nowMs ? mineMs : Math.max(mineMs, startMs - BURST_MS)
    if (mineMs <= nowMs) startMs += intervalMs
    if (beginMs > nowMs) {
      wait.push({ client, notBefore: ceilMs(beginMs) })
    } else {
      go.push(client)
      startedMs = startMs
    }
  }
  return { go, wait, after: { nextTurnAt: ceilMs(turnMs), nextStartAt: ceilMs(startedMs) } }
}

/**
 * Who has a turn before who has none, by when it is; the others as they were given. Before all of them those that decide,
 * tried longest ago first: if there is no time for all their retries, each is tried about as often as any other.
 */
function inLine(due: readonly DueRefresh[]): DueRefresh[] {
  const [deciding, others] = [due.filter((one) => one.deciding), due.filter((one) => !one.deciding)]
  return [
    ...deciding.toSorted((a, b) => (a.attemptedAt?.getTime() ?? 0) - (b.attemptedAt?.getTime() ?? 0)),
    ...others.toSorted((a, b) => turnMs(a) - turnMs(b)),
  ]
}

function turnMs({ turnAt }: DueRefresh): number {
  return turnAt?.getTime() ?? Number.MAX_SAFE_INTEGER
}

function ceilMs(ms: number): Date {
  return new Date(Math.ceil(ms))
}
