import type { AuditActor } from '@cimd/core'
import { type Authenticated, authenticate, authenticateOperator, type Db } from '@cimd/store'
import type { FastifyRequest } from 'fastify'
import type { NoteKeyUse } from './key-uses.ts'
import { requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'

declare module 'fastify' {
  interface FastifyInstance {
    noteKeyUse: NoteKeyUse
  }
}

const OPERATOR_KEY = 'cimdop_'

/**
 * Whose request this is. Throws the problem of a missing or unknown key, of a key of an operator, or of one without the scope
 * that the route has in `ROUTE_SCOPES`.
 */
export async function requireCaller(db: Db, request: FastifyRequest): Promise<Authenticated> {
  const key = presentedKey(request)
  if (key.startsWith(OPERATOR_KEY)) {
    throw new ProblemError(requestProblem('wrong_key_kind', 'This needs the key of a tenant.'))
  }
  const caller = await authenticate(db, key)
  if (caller === undefined) throw new ProblemError(requestProblem('unauthorized'))
  const { scope } = request.routeOptions.config
  if (scope !== 'any' && !caller.scopes.some((has) => has === scope)) {
    throw new ProblemError(requestProblem('missing_scope', `This needs a key with the scope "${scope}".`))
  }
  request.server.noteKeyUse(caller.keyPrefix, key)
  return caller
}

/** By whom the audit says that something was done. */
export function actorOf({ keyPrefix }: Pick<Authenticated, 'keyPrefix'>): AuditActor {
  return { kind: 'key', id: keyPrefix }
}

/** The prefix of the operator's key of this request. Throws the problem of a missing or unknown key, or of a tenant's. */
export async function requireOperator(db: Db, request: FastifyRequest): Promise<string> {
  const key = presentedKey(request)
  if (!key.startsWith(OPERATOR_KEY)) {
    throw new ProblemError(requestProblem('wrong_key_kind', 'This needs the key of an operator.'))
  }
  const prefix = await authenticateOperator(db, key)
  if (prefix === undefined) throw new ProblemError(requestProblem('unauthorized'))
  request.server.noteKeyUse(prefix, key)
  return prefix
}

function presentedKey({ headers }: FastifyRequest): string {
  const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(headers.authorization ?? '')?.[1]
  if (key !== undefined) return key
  throw new ProblemError(requestProblem('unauthorized', 'Send the API key as: Authorization: Bearer <key>'))
}
