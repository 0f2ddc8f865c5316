import type { AttemptRow, ClientRow, Rest } from '../evidence.ts'
import { finding, type Invariant, type Violation } from './invariant.ts'

/**
 * When nothing strikes any more nothing is wanted, and what is done was done by an attempt: before every client was demanded
 * once more as well as after it. Then what is published is known.
 */
export const everyClientIsSettled: Invariant = (evidence) => {
  const { clients, attempts } = evidence.records
  const published = evidence.publications
  const isKnown = new Set(clients.map(({ clientId }) => clientId))
  const demanded = new Map(evidence.demands.map((demand) => [demand.clientId, demand.at]))
  const unknown = [...demanded].filter(([clientId]) => !isKnown.has(clientId))
  const outdated = clients.filter(
    ({ clientId, digest }) => published.get(clientId)?.at(-1)?.digest !== digest,
  )
  const violations: readonly Violation[] = [
    ...unknown.map(
      ([clientId, at]) => ({ wrong: 'lost', what: `${clientId}: demanded and not known`, at }) as const,
    ),
    ...outdated.map(({ clientId, digest }) =>
      lost(clientId, `has ${digest}, which is not what is published`),
    ),
    ...judgeRest(evidence.rest, 'before the last demand'),
    ...judgeRest(evidence.records, 'in the end'),
  ]
  return finding(
    'every client is settled',
    { clients: clients.length, attempts: attempts.length },
    violations,
  )
}

function judgeRest({ clients, attempts }: Rest, when: string): readonly Violation[] {
  const applied = Map.groupBy(
    attempts.filter((attempt) => attempt.applied),
    ({ clientId }) => clientId,
  )
  return clients.flatMap((client) => judgeClient(client, applied.get(client.clientId) ?? [], when))
}

function judgeClient(
  { clientId, wanted, done, claimed }: ClientRow,
  applied: readonly AttemptRow[],
  when: string,
): readonly Violation[] {
  const answered = Math.max(0, ...applied.map(({ generation }) => generation))
  const of = `attempts are of generations up to ${answered}`
  return [
    ...(done < wanted ? [lost(clientId, `${when} ${wanted} are wanted and ${done} done`)] : []),
    ...(done > answered ? [lost(clientId, `${when} ${done} are done, and its applied ${of}`)] : []),
    ...(claimed === null ? [] : [lost(clientId, `${when} generation ${claimed} is still claimed`)]),
  ]
}

function lost(clientId: string, what: string): Violation {
  return { wrong: 'lost', what: `${clientId}: ${what}` }
}
