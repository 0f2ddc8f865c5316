import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'

/** Takes what a command comes to: its exit code. */
export type Finish = (work: Promise<ExitCode>) => Promise<void>
export type Json = { readonly json?: boolean }

export const DATABASE =
  'The database is that of CIMD_DATABASE_URL, else that of the `npm start` running in this directory.'
export const QUEUE = 'The queue likewise: CIMD_QUEUE_URL.'

/** A command as all of them are: with --json, examples and a remark below its options. */
export function define(
  parent: Command,
  name: string,
  description: string,
  { examples, remark }: { readonly examples: readonly string[]; readonly remark: string },
): Command {
  return parent
    .command(name)
    .description(description)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${remark}\n\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`)
}
