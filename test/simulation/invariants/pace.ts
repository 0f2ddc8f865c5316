import type { ClientEvidence } from '../evidence.ts'
import { MINUTE } from '../kinds.ts'
import { clockTime, finding, type Invariant } from './invariant.ts'

/** Turns that were missed by a little are taken late, and a second's worth may be taken at once. */
const LATE_TURNS_SECONDS = 6

/** No host is asked more than its pace in any minute, apart from what users themselves demanded. */
export const hostsArePaced: Invariant = ({ clients, refreshesPerMinute }) => {
  const hosts = Map.groupBy(clients, ({ client }) => client.host)
  const bound = Math.ceil((refreshesPerMinute * (MINUTE + LATE_TURNS_SECONDS)) / MINUTE)
  const violations: string[] = []
  let [minutes, busiest] = [0, 0]
  for (const [host, members] of hosts) {
    const requests = sorted(
      members.flatMap((one) => [...one.requests, ...one.keyRequests]).map(({ at }) => at),
    )
    const demands = sorted(demandsOf(members))
    for (const [index, at] of requests.entries()) {
      const many = index + 1 - countBefore(requests, at - MINUTE)
      const demanded = countBefore(demands, at + 1) - countBefore(demands, at - MINUTE - 1)
      minutes += 1
      busiest = Math.max(busiest, many - demanded)
      if (many - demanded > bound) {
        violations.push(
          `${host}: ${many} fetches in the minute before ${clockTime(at)}, ${demanded} demanded`,
        )
      }
    }
  }
  return finding(
    'no host is over its pace',
    { hosts: hosts.size, minutes, 'fetches in the busiest': busiest },
    violations,
  )
}

function demandsOf(members: readonly ClientEvidence[]): number[] {
  return members.flatMap(({ answers }) => answers.map(({ from }) => from))
}

function sorted(instants: number[]): number[] {
  return instants.sort((a, b) => a - b)
}

function countBefore(instants: readonly number[], at: number): number {
  let [low, high] = [0, instants.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((instants[middle] ?? Number.POSITIVE_INFINITY) < at) low = middle + 1
    else high = middle
  }
  return low
}
