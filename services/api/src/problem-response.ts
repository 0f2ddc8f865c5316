import { isUnreachable } from '@cimd/store'
import type { FastifyError, FastifyReply } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { type Problem, requestProblem } from './problem.ts'

/** Ends a request with a problem from wherever it is noticed. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.title)
    this.problem = problem
  }
}

/** Sends a problem as `application/problem+json`, with `Retry-After` and `WWW-Authenticate` where they belong. */
export function sendProblem(reply: FastifyReply, { retryAfterSeconds, ...problem }: Problem): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer(JSON.stringify)
    .send({ type: `urn:cimd:problem:${problem.code}`, ...problem })
}

/** The problem that an error thrown while serving a request amounts to. Details of our own faults stay in the log. */
export function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof ProblemError) return error.problem
  if (hasZodFastifySchemaValidationErrors(error)) {
    const details = error.validation.map(
      ({ instancePath, message }) => `${instancePath || 'body'}: ${message}`,
    )
    return requestProblem('bad_request', details.join('; '))
  }
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status !== undefined && status >= 400 && status < 500) {
    return { ...requestProblem('bad_request', error.message), status }
  }
  return isUnreachable(error) ? requestProblem('store_unavailable') : requestProblem('internal')
}
