import { type Authenticated, authenticate, type Db } from '@cimd/store'
import type { FastifyRequest } from 'fastify'
import { requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'

export type Scope = 'resolve' | 'events'

/** Whose request this is. Throws the problem of a missing or unknown key, or of a key without the scope, if one is asked for. */
export async function requireCaller(db: Db, request: FastifyRequest, scope?: Scope): Promise<Authenticated> {
  const key = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (key === undefined) {
    throw new ProblemError(requestProblem('unauthorized', 'Send the API key as: Authorization: Bearer <key>'))
  }
  const caller = await authenticate(db, key)
  if (caller === undefined) throw new ProblemError(requestProblem('unauthorized'))
  if (scope !== undefined && !caller.scopes.includes(scope)) {
    throw new ProblemError(requestProblem('missing_scope', `This needs a key with the scope "${scope}".`))
  }
  return caller
}
