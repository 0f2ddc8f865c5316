import type { ChainHead } from '@cimd/core'
import { type Command, Option } from 'commander'
import { auditPlace, chainHeads, instant, pseudonym, wholeNumber } from './arguments.ts'
import { runAuditCut, runAuditExport, runAuditShow } from './audit.ts'
import { type OpenInput, runAuditVerifyFile, runAuditVerifyTenant } from './audit-verify.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { UsageError } from './exit-code.ts'
import type { Output } from './print.ts'
import type { SubjectDeps } from './subject.ts'
import type { StoreDeps } from './tenant.ts'

const FORMAT =
  'docs/audit-format.md tells the format and what each problem means; docs/audit.md what is recorded.'

type VerifyDeps = { readonly output: Output; readonly openInput: OpenInput }

/** `cimd audit` and what is below it. */
export function addAudit(program: Command, deps: VerifyDeps, store: SubjectDeps, finish: Finish): void {
  const audit = program
    .command('audit')
    .description('what was decided and why: show it, export it, verify it, cut what is too old')
  addShow(audit, store, finish)
  addExport(audit, store, finish)
  addVerify(audit, deps, store, finish)
  addCut(audit, store, finish)
}

type ShowOptions = Json & {
  readonly client?: string
  readonly subject?: string
  readonly subjectFile?: string
  readonly from?: Date
  readonly to?: Date
  readonly after?: number
  readonly limit: number
}

function addShow(audit: Command, store: SubjectDeps, finish: Finish): void {
  define(audit, 'show', 'show what the audit of a tenant says', {
    examples: [
      'cimd audit show my-tenant --client https://app.example.com/client.json --from 2026-03-01 --to 2026-04-01',
      'cimd audit show my-tenant --after 120 --json',
      'cimd audit show my-tenant --subject-file - < subject.txt',
    ],
    remark: `${FORMAT}\n${DATABASE}`,
  })
    .argument('<tenant>', 'whose audit')
    .option('--client <url>', 'only what is about this client_id')
    .option('--subject <uuid>', 'only what is about this subject: its pseudonym', pseudonym)
    .addOption(
      new Option(
        '--subject-file <file>',
        'the same by the subject as it was reported, in a file; - for standard input',
      ).conflicts('subject'),
    )
    .option('--from <date>', 'only what happened then or later', instant)
    .option('--to <date>', 'only what happened before', instant)
    .option('--after <seq>', 'only what comes after this place', auditPlace)
    .option('--limit <n>', 'how many', wholeNumber, 50)
    .action((tenant: string, { client: clientId, subjectFile, json, ...query }: ShowOptions) => {
      const { from, to } = query
      if (from !== undefined && to !== undefined && to <= from) {
        throw new UsageError('--to is not after --from: there is no time between them')
      }
      return finish(runAuditShow(store, { tenant, clientId, subjectFile, json, ...query }))
    })
}

function addExport(audit: Command, store: StoreDeps, finish: Finish): void {
  audit
    .command('export')
    .description('write the chain of a tenant to standard output, one JSON object per line')
    .addHelpText(
      'after',
      `\n${FORMAT}\n${DATABASE}\n\nExamples:\n  $ cimd audit export my-tenant > audit.ndjson`,
    )
    .argument('<tenant>', 'whose audit')
    .option('--after <seq>', 'go on after this place, without the header', auditPlace)
    .action((tenant: string, { after }: { readonly after?: number }) =>
      finish(runAuditExport(store, { tenant, after })),
    )
}

type VerifyOptions = Json & { readonly tenant?: string; readonly head?: readonly ChainHead[] }

function addVerify(audit: Command, deps: VerifyDeps, store: StoreDeps, finish: Finish): void {
  define(audit, 'verify', 'find what was changed, removed or inserted in an export, or in the store', {
    examples: [
      'cimd audit verify audit.ndjson',
      'cimd audit verify audit.ndjson --head 1200:3f1c…',
      'cimd audit export my-tenant | cimd audit verify -',
      'cimd audit verify --tenant my-tenant',
    ],
    remark: `A file is verified without any database. Exits with 1 where anything is wrong.\n${FORMAT}\n${DATABASE}`,
  })
    .argument('[file]', 'an export, or - for standard input')
    .option('--tenant <name>', 'the chain of this tenant as it is in the store')
    .option('--head <seq:hash>', 'a head that was kept; may be given again', chainHeads)
    .action((file: string | undefined, { tenant, head: heads = [], json }: VerifyOptions) => {
      if ((file === undefined) === (tenant === undefined)) {
        throw new UsageError('name either a file or --tenant')
      }
      return finish(
        file === undefined
          ? runAuditVerifyTenant(store, { tenant: tenant ?? '', heads, json })
          : runAuditVerifyFile(deps, { file, heads, json }),
      )
    })
}

function addCut(audit: Command, store: StoreDeps, finish: Finish): void {
  define(audit, 'cut', 'let the beginning of a chain go, up to a date', {
    examples: ['cimd audit cut my-tenant --before 2025-01-01'],
    remark: `The cut is an entry itself. Export what goes first, and keep the head.\n${FORMAT}\n${DATABASE}`,
  })
    .argument('<tenant>', 'whose audit')
    .requiredOption('--before <date>', 'what happened then or later stays', instant)
    .action((tenant: string, { before, json }: Json & { readonly before: Date }) =>
      finish(runAuditCut(store, { tenant, before, json })),
    )
}
