import { type ClientIdUrl, parseClientIdUrl, registrableDomainOf } from '@cimd/core'
import {
  type AcceptedOwner,
  type Authenticated,
  acceptOwner,
  noteEra,
  type OwnerAcceptance,
  withTenant,
} from '@cimd/store'
import type { AnswerBasis } from './answer.ts'
import { actorOf } from './authenticate.ts'
import { identifierProblem, requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'
import type { ResolveDeps } from './resolve-client.ts'

/**
 * Writes down in whose hands a domain was when the tenant was first given a document of it (CHG-05): once for a domain. A
 * login does not fail because of it: the next answer has it written down.
 */
export async function noteOwner(
  { db, log }: Pick<ResolveDeps, 'db' | 'log'>,
  { tenantId }: Authenticated,
  { clientId, view }: AnswerBasis,
): Promise<void> {
  const { ownership } = view
  if (ownership === undefined || ownership.isNoted) return
  try {
    await withTenant(db, tenantId, (trx) => noteEra(trx, ownership))
  } catch (error) {
    log.error({ event: 'owner.unnoted', client_id: clientId, err: error }, 'an owner could not be noted')
  }
}

/** Accepts the present owner of a domain for the caller's tenant. Throws the problem of one that it does not use. */
export async function acceptOwnerOf(
  { db, identifiers }: Pick<ResolveDeps, 'db' | 'identifiers'>,
  caller: Authenticated,
  asked: {
    readonly clientId: string | undefined
    readonly domain: string | undefined
    readonly era: number | undefined
  },
): Promise<AcceptedOwner> {
  const of = asked.domain === undefined ? clientOf(asked.clientId ?? '', identifiers) : domainOf(asked.domain)
  const accepted = await withTenant(db, caller.tenantId, (trx) =>
    acceptOwner(trx, { of, era: asked.era, by: actorOf(caller) }),
  )
  if (accepted === undefined) throw new ProblemError(requestProblem('domain_unknown'))
  if (accepted.kind === 'accepted') return accepted
  throw new ProblemError(requestProblem('owner_changed', `The present era of the domain is ${accepted.era}.`))
}

function domainOf(domain: string): OwnerAcceptance['of'] {
  return { domain: registrableDomainOf(domain.toLowerCase()) }
}

function clientOf(
  presented: string,
  identifiers: ResolveDeps['identifiers'],
): { readonly clientId: ClientIdUrl } {
  const identified = parseClientIdUrl(presented, identifiers)
  if (identified.ok) return { clientId: identified.value }
  throw new ProblemError(identifierProblem(identified.code, identified.violations))
}
