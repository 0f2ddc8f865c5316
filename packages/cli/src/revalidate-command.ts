import { type Command, Option } from 'commander'
import { wholeNumber } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { UsageError } from './exit-code.ts'
import { runRevalidateApprove, runRevalidateDryRun } from './revalidate.ts'
import type { StoreDeps } from './tenant.ts'

const MEANING =
  'New rules of a release change nothing about stored documents until they are approved. Then the scheduler judges these\n' +
  'again: a client that is refused may be used for 15 minutes, is fetched at once, and counts for the brake.\n' +
  '--approve makes a dry run first, and approves nothing if it refuses more clients than --refusing says.'

type RevalidateOptions = Json & {
  readonly dryRun?: boolean
  readonly approve?: boolean
  readonly refusing: number
  readonly limit: number
}

/** `cimd revalidate`. */
export function addRevalidate(program: Command, store: StoreDeps, finish: Finish): void {
  define(program, 'revalidate', 'judge stored documents by the rules of this release', {
    examples: [
      'cimd revalidate --dry-run',
      'cimd revalidate --approve',
      'cimd revalidate --approve --refusing 3',
    ],
    remark: `${MEANING}\n${DATABASE}`,
  })
    .addOption(new Option('--dry-run', 'tell what would change, and change nothing').conflicts('approve'))
    .option('--approve', 'let the rules take effect')
    .option('--refusing <n>', 'how many clients may be refused by them', wholeNumber, 0)
    .option('--limit <n>', 'how many refused clients are named', wholeNumber, 20)
    .action(({ dryRun, approve, refusing, limit, json }: RevalidateOptions) => {
      if (approve) return finish(runRevalidateApprove(store, { refusing, limit, json }))
      if (!dryRun) throw new UsageError('say --dry-run or --approve')
      return finish(runRevalidateDryRun(store, { limit, json }))
    })
}
