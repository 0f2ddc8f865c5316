import { parseClientMetadata, RULES_VERSION } from '@cimd/core'
import { approveRules, type Db, listCurrentDocuments, readRulesStatus } from '@cimd/store'
import { createDryRun, type DryRun } from './dry-run.ts'
import type { ExitCode } from './exit-code.ts'
import { formatCount, type Output, say, sayFacts, sayJson, sayTable } from './print.ts'
import type { StoreDeps } from './tenant.ts'

type DryRunArgs = { readonly limit: number; readonly json: boolean | undefined }

/** A dry run, and the rules that were approved when it began. */
type Judged = { readonly run: DryRun; readonly approved: number | undefined }

/** Tells what the rules of this release would change about stored documents; writes nothing and fetches nothing. */
export async function runRevalidateDryRun(
  { output, withStore }: StoreDeps,
  { limit, json }: DryRunArgs,
): Promise<ExitCode> {
  const judged = await withStore((db) => judgeStored(db, limit))
  if (json) sayJson(output, bodyOf(judged))
  else sayDryRun(output, judged, isInForce(judged) ? IN_FORCE : nextStep(judged.run))
  return 0
}

/**
 * Approves the rules of this release if a dry run now finds no more clients to refuse than the operator has said, so that
 * nobody approves what nobody has seen.
 */
export async function runRevalidateApprove(
  { output, withStore }: StoreDeps,
  { refusing, limit, json }: DryRunArgs & { readonly refusing: number },
): Promise<ExitCode> {
  const { judged, approves } = await withStore(async (db) => {
    const found = await judgeStored(db, limit)
    const isSeen = found.run.refused <= refusing
    return { judged: found, approves: isSeen && (await approveRules(db, RULES_VERSION)) }
  })
  const after = approves ? { ...judged, approved: RULES_VERSION } : judged
  if (json) sayJson(output, bodyOf(after))
  else sayDryRun(output, judged, approves ? APPROVED : isInForce(judged) ? IN_FORCE : tooMany(judged.run))
  return isInForce(after) ? 0 : 1
}

const DOCUMENTS_PER_BATCH = 500

/** Judges every current version, batch by batch. */
async function judgeStored(db: Db, limit: number): Promise<Judged> {
  const { approved } = await readRulesStatus(db)
  const dryRun = createDryRun(limit)
  for (let after: string | undefined; ; ) {
    const documents = await listCurrentDocuments(db, { after, limit: DOCUMENTS_PER_BATCH })
    for (const document of documents) {
      dryRun.add(document, parseClientMetadata(document.body, document.clientId))
    }
    after = documents.at(-1)?.client
    if (after === undefined) return { run: dryRun.result(), approved }
  }
}

const IN_FORCE = 'These rules are approved.'
const APPROVED =
  'Approved. The scheduler judges the stored documents now; `cimd brake` shows how many clients would end.'

function nextStep({ refused }: DryRun): string {
  return `To approve them: cimd revalidate --approve${refused > 0 ? ` --refusing ${refused}` : ''}`
}

function tooMany(run: DryRun): string {
  return `Not approved, because ${formatCount(run.refused, 'client')} would be refused. ${nextStep(run)}`
}

function isInForce({ approved }: Judged): boolean {
  return approved !== undefined && approved >= RULES_VERSION
}

function sayDryRun(output: Output, { run, approved }: Judged, conclusion: string): void {
  sayFacts(output, [
    ['rules', `version ${RULES_VERSION} in this release, ${approved ?? 'none'} approved`],
    ['checked', `${formatCount(run.checked, 'document')}, ${run.older} of them judged by older rules so far`],
    ['refused', `${formatCount(run.refused, 'client')}, ${run.refused_in_use} of them in use`],
    ['warned', `${formatCount(run.warned, 'client')}, ${run.warned_in_use} of them in use`],
  ])
  sayCodes(output, 'REFUSED', run.refusals)
  sayCodes(output, 'WARNED', run.warnings)
  if (run.clients.length > 0) {
    say(output)
    const rows = run.clients.map(({ client_id, code, in_use }) => [client_id, code, in_use ? 'yes' : 'no'])
    sayTable(output, ['CLIENT_ID', 'CODE', 'IN USE'], rows)
    const left = run.refused - run.clients.length
    if (left > 0) say(output, `and ${left} more: --limit tells more`)
  }
  say(output)
  say(output, conclusion)
}

function sayCodes(output: Output, header: string, codes: DryRun['refusals']): void {
  if (codes.length === 0) return
  say(output)
  const rows = codes.map(({ code, clients, in_use }) => [code, String(clients), String(in_use)])
  sayTable(output, [header, 'CLIENTS', 'IN USE'], rows)
}

function bodyOf(judged: Judged) {
  const { run, approved } = judged
  return {
    rules_version: RULES_VERSION,
    rules_approved: approved ?? null,
    approved: isInForce(judged),
    ...run,
  }
}
