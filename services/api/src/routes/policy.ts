import { parseTrustPolicy, policyDigest, type TrustPolicy } from '@cimd/core'
import {
  clearReportPolicy,
  dryRunPolicy,
  findPolicy,
  listPolicies,
  listPolicyReports,
  putPolicy,
  putReportPolicy,
  readPolicyVersions,
  type StoredPolicy,
  withTenant,
} from '@cimd/store'
import { z } from 'zod'
import { policyFor } from '../admission.ts'
import type { App, AppDeps } from '../app.ts'
import { actorOf, requireCaller } from '../authenticate.ts'
import {
  candidateRequest,
  dryRunAnswer,
  dryRunRequest,
  policyAnswer,
  policyRequest,
  policyVersion,
  policyVersions,
  reportOnlyAnswer,
  versionParameters,
  versionsQuery,
} from '../policy-schemas.ts'
import { invalidPolicyProblem, requestProblem } from '../problem.ts'
import { ProblemError } from '../problem-response.ts'
import { problems } from '../schemas.ts'

const PATH = '/v1/policy'

/** A policy of a thousand rules does not fit into what other requests may have. */
const BODY_BYTES_MAX = 512 * 1024

const REPORTED_MAX = 100

/** What a tenant trusts: docs/trust-policy.md. */
export function registerPolicyRoutes(app: App, deps: AppDeps): void {
  registerInForce(app, deps)
  registerHistory(app, deps)
  registerReportOnly(app, deps)
  registerDryRun(app, deps)
}

function registerInForce(app: App, { db, policies }: AppDeps): void {
  app.get(PATH, { schema: { response: { 200: policyAnswer, ...problems } } }, async (request) => {
    const { tenantId, ...caller } = await requireCaller(db, request)
    const judged = await policyFor(policies, { tenantId, ...caller })
    if (!judged.ok) throw new ProblemError(judged.problem)
    return { ...judged.policy, policy: { ...judged.policy.policy } }
  })

  const put = { body: policyRequest, response: { 200: policyAnswer, ...problems } }
  app.put(PATH, { bodyLimit: BODY_BYTES_MAX, schema: put }, async (request) => {
    const caller = await requireCaller(db, request)
    const { policy, digest } = readPolicy(request.body.policy)
    const put = await withTenant(db, caller.tenantId, (trx) =>
      putPolicy(trx, { policy, digest, by: actorOf(caller) }, { ifVersion: request.body.if_version }),
    )
    if (put.kind === 'outdated')
      throw new ProblemError(requestProblem('policy_outdated', `Version ${put.version} is in force.`))
    return { version: put.version, digest, policy: { ...policy } }
  })
}

function registerHistory(app: App, { db }: AppDeps): void {
  const path = `${PATH}/versions`
  const list = { querystring: versionsQuery, response: { 200: policyVersions, ...problems } }
  app.get(path, { schema: list }, async (request) => {
    const { tenantId } = await requireCaller(db, request)
    const { before, limit } = request.query
    const found = await withTenant(db, tenantId, (trx) => listPolicies(trx, { before, limit }))
    const next = found.length < limit ? undefined : found.at(-1)?.version
    return { versions: found.map(versionBody), ...(next !== undefined && { next }) }
  })

  const one = { params: versionParameters, response: { 200: policyVersion, ...problems } }
  app.get(`${path}/:version`, { schema: one }, async (request) => {
    const { tenantId } = await requireCaller(db, request)
    const found = await withTenant(db, tenantId, (trx) => findPolicy(trx, request.params.version))
    return wholeBody(found)
  })
}

function registerReportOnly(app: App, { db }: AppDeps): void {
  const path = `${PATH}/report-only`
  app.get(path, { schema: { response: { 200: reportOnlyAnswer, ...problems } } }, async (request) => {
    const { tenantId } = await requireCaller(db, request)
    const { found, reports } = await withTenant(db, tenantId, async (trx) => {
      const { reportOnly = 0 } = await readPolicyVersions(trx)
      return { found: await findPolicy(trx, reportOnly), reports: await listPolicyReports(trx, REPORTED_MAX) }
    })
    const clients = reports.map(({ clientId, times, firstAt, lastAt, difference, reasons }) => ({
      ...{ client_id: clientId, difference: known(difference), reasons: [...reasons], minutes: times },
      ...{ first_at: firstAt.toISOString(), last_at: lastAt.toISOString() },
    }))
    if (found === undefined) throw nothingReported()
    return { policy: wholeBody(found), clients }
  })

  const put = { body: candidateRequest, response: { 200: policyAnswer, ...problems } }
  app.put(path, { bodyLimit: BODY_BYTES_MAX, schema: put }, async (request) => {
    const caller = await requireCaller(db, request)
    const { policy, digest } = readPolicy(request.body.policy)
    const version = await withTenant(db, caller.tenantId, (trx) =>
      putReportPolicy(trx, { policy, digest, by: actorOf(caller) }),
    )
    return { version, digest, policy: { ...policy } }
  })

  const ended = z.null().describe('Nothing is reported any more.')
  app.delete(path, { schema: { response: { 204: ended, ...problems } } }, async (request, reply) => {
    const caller = await requireCaller(db, request)
    const isCleared = await withTenant(db, caller.tenantId, (trx) => clearReportPolicy(trx, actorOf(caller)))
    if (!isCleared) throw nothingReported()
    return reply.code(204).send(null)
  })
}

function registerDryRun(app: App, { db, policies }: AppDeps): void {
  const schema = { body: dryRunRequest, response: { 200: dryRunAnswer, ...problems } }
  app.post(`${PATH}/dry-run`, { bodyLimit: BODY_BYTES_MAX, schema }, async (request) => {
    const caller = await requireCaller(db, request)
    const { policy: candidate } = readPolicy(request.body.policy)
    const judged = await policyFor(policies, caller)
    if (!judged.ok) throw new ProblemError(judged.problem)
    const compared = { inForce: judged.policy.policy, candidate }
    const { summary, unreadable, clients } = await dryRunPolicy(
      db,
      caller.tenantId,
      compared,
      request.body.limit,
    )
    const listed = clients.map(({ clientId: client_id, difference, added, removed }) => ({
      ...{ client_id, difference: known(difference), added: [...added], removed: [...removed] },
    }))
    return { summary, unreadable, clients: listed }
  })
}

function readPolicy(written: unknown): { readonly policy: TrustPolicy; readonly digest: string } {
  const parsed = parseTrustPolicy(written)
  if (!parsed.ok) throw new ProblemError(invalidPolicyProblem(parsed.problems))
  return { policy: parsed.policy, digest: policyDigest(parsed.policy) }
}

function nothingReported(): ProblemError {
  return new ProblemError(
    requestProblem('policy_unknown', 'No policy is only reported: PUT one to /v1/policy/report-only.'),
  )
}

// Of clients that are judged alike nothing is listed.
function known<Difference extends string>(difference: Difference): Exclude<Difference, 'same'> {
  return difference as Exclude<Difference, 'same'>
}

function versionBody({ version, digest, createdAt, createdBy }: StoredPolicy) {
  return { version, digest, created_at: createdAt.toISOString(), created_by: createdBy }
}

function wholeBody(stored: StoredPolicy | undefined): z.infer<typeof policyVersion> {
  if (stored === undefined) throw new ProblemError(requestProblem('policy_unknown'))
  return { ...versionBody(stored), policy: stored.policy as Record<string, unknown> }
}
