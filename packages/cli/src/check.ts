import { type AsMetadata, type ProfileId, parseAsMetadata } from '@cimd/core'
import { type CheckReport, isNo, reportBody, sayReport } from './check-report.ts'
import { saySummary, summaryBody } from './check-summary.ts'
import { type CheckTargetDeps, checkTarget } from './check-target.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { parseJson } from './input.ts'
import { type Output, sayJson } from './print.ts'

export type CheckArgs = {
  /** URLs, names of files, or `-` for standard input. */
  readonly targets: readonly string[]
  readonly clientId: string | undefined
  readonly profile: ProfileId
  /** Name of a file with authorization server metadata. */
  readonly asMetadata: string | undefined
  readonly json: boolean | undefined
}

export type CheckDeps = CheckTargetDeps & { readonly output: Output }

/** Says what is wrong with client metadata documents, all of it at once, by the rules that the registrar applies. */
export async function runCheck(deps: CheckDeps, args: CheckArgs): Promise<ExitCode> {
  const { targets, clientId, profile } = args
  if (clientId !== undefined && targets.length > 1) {
    throw new UsageError('--client-id is for one FILE: several documents are judged by their own client_id')
  }
  const server = args.asMetadata === undefined ? undefined : await readServer(deps, args.asMetadata)
  const reports: CheckReport[] = []
  for (const target of targets) reports.push(await checkTarget(deps, target, { clientId, profile, server }))
  tell(deps.output, reports, args.json ?? false)
  return reports.some(isNo) ? 1 : 0
}

function tell(output: Output, reports: readonly CheckReport[], json: boolean): void {
  const [only] = reports
  const single = reports.length === 1 ? only : undefined
  if (single === undefined) json ? sayJson(output, summaryBody(reports)) : saySummary(output, reports)
  else if (json) sayJson(output, reportBody(single))
  else sayReport(output, single)
}

async function readServer({ readInput }: CheckDeps, name: string): Promise<AsMetadata> {
  const parsed = parseAsMetadata(parseJson(await readInput(name), name))
  if (parsed.ok) return parsed.metadata
  throw new UsageError(`${name} is no authorization server metadata:\n${parsed.problems.join('\n')}`)
}
