import { eraseSubject, withTenant } from '@cimd/store'
import type { Command } from 'commander'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { say, sayJson } from './print.ts'
import { getTenant, OPERATOR, type StoreDeps } from './tenant.ts'

export type SubjectDeps = StoreDeps & { readonly readInput: (name: string) => Promise<Uint8Array> }

/** As the api has it. */
const SUBJECT_LENGTH_MAX = 256

/** `cimd subject`. */
export function addSubject(program: Command, deps: SubjectDeps, finish: Finish): void {
  const subject = program.command('subject').description('those who logged in at a tenant')
  define(subject, 'erase', 'forget who a subject of a tenant is; what it counted for stays counted', {
    examples: [
      'cimd subject erase my-tenant < subject.txt',
      "printf %s 'alice@example.org' | cimd subject erase my-tenant",
    ],
    remark: `The subject is read from standard input, since others can see the arguments of a command.\n${DATABASE}`,
  })
    .argument('<tenant>', 'whose subject it is')
    .action((tenant: string, { json }: Json) => finish(runSubjectErase(deps, { tenant, json })))
}

/** Erases the subject on standard input (ARC-10); one that is not known is erased already. */
async function runSubjectErase(
  { output, withStore, readInput }: SubjectDeps,
  { tenant, json }: { readonly tenant: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const subject = subjectFrom(await readInput('-'))
  const pseudonym = await withStore(async (db) =>
    withTenant(db, await getTenant(db, tenant), (trx) => eraseSubject(trx, subject, OPERATOR)),
  )
  const erased = pseudonym !== undefined
  if (json) sayJson(output, { tenant, erased })
  else say(output, erased ? 'The subject is erased.' : 'Nothing was known of the subject.')
  return 0
}

/** The one subject of an input. Throws where it is none. */
export function subjectFrom(input: Uint8Array): string {
  const subject = new TextDecoder().decode(input).replace(/\r?\n$/, '')
  if (subject === '' || subject.length > SUBJECT_LENGTH_MAX || subject.includes('\n')) {
    throw new UsageError(
      `give one subject of at most ${SUBJECT_LENGTH_MAX} characters, from a file or standard input: others can see the arguments of a command`,
    )
  }
  return subject
}
