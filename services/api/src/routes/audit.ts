import { Readable } from 'node:stream'
import { AuditCutError, exportAudit, readAudit, readAuditOf, readAuditState, withTenant } from '@cimd/store'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import { auditAnswer, auditExportQuery, auditHead, auditQuery } from '../audit-schemas.ts'
import { requireCaller } from '../authenticate.ts'
import { requestProblem } from '../problem.ts'
import { ProblemError } from '../problem-response.ts'
import { problems } from '../schemas.ts'

const NDJSON = 'application/x-ndjson'

const exportAnswer = {
  description: 'The chain, one JSON object per line: docs/audit-format.md.',
  content: { [NDJSON]: { schema: z.unknown() } },
}

/** The audit of a tenant: by what it is about, its head, and the whole chain. */
export function registerAuditRoutes(app: App, deps: AppDeps): void {
  registerQuery(app, deps)
  registerHead(app, deps)
  registerExport(app, deps)
}

function registerQuery(app: App, deps: AppDeps): void {
  const schema = { querystring: auditQuery, response: { 200: auditAnswer, ...problems } }
  app.get('/v1/audit', { schema }, async (request) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const { client_id: clientId, subject, after, limit, ...times } = request.query
    const [from, to] = [dateOf(times.from), dateOf(times.to)]
    const query = { clientId, from, to, after, limit }
    const found = await withTenant(deps.db, tenantId, (trx) =>
      subject === undefined ? readAudit(trx, query) : readAuditOf(trx, subject, query),
    )
    return {
      entries: found.map(({ entry, hash, previousHash }) => ({ entry, hash, previous_hash: previousHash })),
      next: found.at(-1)?.seq ?? after,
    }
  })
}

function registerHead(app: App, deps: AppDeps): void {
  const schema = { response: { 200: auditHead, ...problems } }
  app.get('/v1/audit/head', { schema }, async (request) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const { head, cut } = await withTenant(deps.db, tenantId, (trx) => readAuditState(trx, tenantId))
    return { tenant: tenantId, ...head, ...(cut && { anchor: cut.anchor }) }
  })
}

function registerExport(app: App, deps: AppDeps): void {
  const schema = { querystring: auditExportQuery, response: { 200: exportAnswer, ...problems } }
  app.get('/v1/audit/export', { schema }, async (request, reply) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const pieces = exportAudit(deps.db, tenantId, request.query)
    // What cannot be had at all is a problem; what ends later can only cut off the answer.
    const first = await pieces.next().catch(throwProblem)
    const stream = Readable.from(followed(deps, request, first, pieces), { objectMode: false })
    stream.on('error', (error) =>
      deps.log.warn({ event: 'audit_export.ended', err: error }, 'an export of an audit was cut off'),
    )
    return reply.header('content-type', NDJSON).header('cache-control', 'no-store').send(stream)
  })
}

async function* followed(
  deps: AppDeps,
  request: FastifyRequest,
  first: IteratorResult<string, void>,
  pieces: AsyncGenerator<string>,
): AsyncGenerator<string> {
  if (first.done) return
  yield first.value
  for await (const piece of pieces) {
    // A key may be revoked while somebody reads slowly.
    await requireCaller(deps.db, request)
    yield piece
  }
}

function throwProblem(error: unknown): never {
  if (error instanceof AuditCutError) throw new ProblemError(requestProblem('audit_place_cut', error.message))
  throw error
}

function dateOf(instant: string | undefined): Date | undefined {
  return instant === undefined ? undefined : new Date(instant)
}
