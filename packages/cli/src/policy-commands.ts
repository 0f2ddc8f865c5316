import type { RegistrationMode } from '@cimd/store'
import { type Command, Option } from 'commander'
import { dayCount, sha256, wholeNumber } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { UsageError } from './exit-code.ts'
import {
  type PolicyDeps,
  runPolicyDryRun,
  runPolicyHistory,
  runPolicyPut,
  runPolicyReportOnly,
  runPolicyShow,
} from './policy.ts'
import {
  runRegistrationAdd,
  runRegistrationList,
  runRegistrationRemove,
  runReviewApprove,
  runReviewList,
  runReviewRefuse,
} from './review.ts'

const REMARK = `${DATABASE}\ndocs/trust-policy.md says how to write a policy.`

/** `cimd policy` and what is below it. */
export function addPolicy(program: Command, deps: PolicyDeps, finish: Finish): void {
  const policy = program.command('policy').description('whom a tenant trusts: show, try and change it')
  define(policy, 'show', 'show the policy in force', {
    examples: ['cimd policy show my-tenant', 'cimd policy show my-tenant --version 3'],
    remark: REMARK,
  })
    .argument('<tenant>', 'whose policy')
    .option('--version <n>', 'an older version', wholeNumber)
    .action((tenant: string, { version, json }: Json & { version?: number }) =>
      finish(runPolicyShow(deps, { tenant, version, json })),
    )
  define(policy, 'history', 'list the versions of the policy', {
    examples: ['cimd policy history my-tenant'],
    remark: REMARK,
  })
    .argument('<tenant>', 'whose policy')
    .action((tenant: string, { json }: Json) => finish(runPolicyHistory(deps, { tenant, json })))
  addPut(policy, deps, finish)
  addTrials(policy, deps, finish)
}

function addPut(policy: Command, deps: PolicyDeps, finish: Finish): void {
  define(policy, 'put', 'put a policy in force', {
    examples: ['cimd policy put my-tenant policy.json', 'cimd policy put my-tenant - --if-version 3'],
    remark: REMARK,
  })
    .argument('<tenant>', 'whose policy')
    .argument('<file>', 'the name of a file, or - for standard input')
    .option('--if-version <n>', 'only while this version is in force, 0: while none is', wholeNumber)
    .action((tenant: string, file: string, { ifVersion, json }: Json & { ifVersion?: number }) =>
      finish(runPolicyPut(deps, { tenant, file, ifVersion, json })),
    )
}

function addTrials(policy: Command, deps: PolicyDeps, finish: Finish): void {
  define(policy, 'dry-run', 'tell what a policy would change, and change nothing', {
    examples: ['cimd policy dry-run my-tenant policy.json'],
    remark: `${REMARK}\nExits with 1 when it would newly refuse or hold a client.`,
  })
    .argument('<tenant>', 'whose clients')
    .argument('<file>', 'the name of a file, or - for standard input')
    .action((tenant: string, file: string, { json }: Json) =>
      finish(runPolicyDryRun(deps, { tenant, file, json })),
    )
  define(
    policy,
    'report-only',
    'have a policy judged beside the one in force, and see what it would have done',
    {
      examples: [
        'cimd policy report-only my-tenant policy.json',
        'cimd policy report-only my-tenant',
        'cimd policy report-only my-tenant --none',
      ],
      remark: REMARK,
    },
  )
    .argument('<tenant>', 'whose clients')
    .argument('[file]', 'the name of a file, or - for standard input')
    .option('--none', 'end it')
    .action((tenant: string, file: string | undefined, { none = false, json }: Json & { none?: boolean }) => {
      if (none && file !== undefined) throw new UsageError('--none goes with no file')
      return finish(runPolicyReportOnly(deps, { tenant, file, none, json }))
    })
}

/** `cimd review` and what is below it. */
export function addReview(program: Command, deps: PolicyDeps, finish: Finish): void {
  const review = program.command('review').description('clients that wait for a person')
  define(review, 'list', 'list what waits', { examples: ['cimd review list my-tenant'], remark: REMARK })
    .argument('<tenant>', 'whose clients')
    .action((tenant: string, { json }: Json) => finish(runReviewList(deps, { tenant, json })))
  define(review, 'approve', 'approve the version of a client that was looked at', {
    examples: ['cimd review approve my-tenant https://app.example.com/client.json --digest 3fa1…'],
    remark: REMARK,
  })
    .argument('<tenant>', 'for whom')
    .argument('<url>', 'the client_id')
    .requiredOption('--digest <sha256>', 'of the version, as `review list` shows it', sha256)
    .option('--reason <text>', 'why')
    .option('--expires-days <n>', 'for how many days (as the policy says)', dayCount)
    .action((tenant: string, clientId: string, { digest, reason, expiresDays, json }: ApproveOptions) =>
      finish(runReviewApprove(deps, { tenant, clientId, digest, reason, expiresDays, json })),
    )
  define(review, 'refuse', 'refuse a client, whatever it publishes', {
    examples: ['cimd review refuse my-tenant https://app.example.com/client.json --reason "Not a partner."'],
    remark: `${REMARK}\nAn approval takes the refusal back.`,
  })
    .argument('<tenant>', 'for whom')
    .argument('<url>', 'the client_id')
    .requiredOption('--reason <text>', 'what the authorization server is shown')
    .action((tenant: string, clientId: string, { reason, json }: Json & { reason: string }) =>
      finish(runReviewRefuse(deps, { tenant, clientId, reason, json })),
    )
}

type ApproveOptions = Json & {
  readonly digest: string
  readonly reason?: string
  readonly expiresDays?: number
}

/** `cimd registration` and what is below it. */
export function addRegistration(program: Command, deps: PolicyDeps, finish: Finish): void {
  const registration = program.command('registration').description('clients that are known before they come')
  const mode = new Option(
    '--mode <mode>',
    'frozen: fetched once; manual: again when told; periodic: as others',
  )
  define(registration, 'add', 'register a client, or change how it is looked after', {
    examples: ['cimd registration add my-tenant https://app.example.com/client.json --mode frozen'],
    remark: REMARK,
  })
    .argument('<tenant>', 'for whom')
    .argument('<url>', 'the client_id')
    .addOption(mode.choices(['frozen', 'manual', 'periodic']).default('periodic'))
    .action((tenant: string, clientId: string, { mode: chosen, json }: Json & { mode: RegistrationMode }) =>
      finish(runRegistrationAdd(deps, { tenant, clientId, mode: chosen, json })),
    )
  define(registration, 'list', 'list the registered clients of a tenant', {
    examples: ['cimd registration list my-tenant'],
    remark: REMARK,
  })
    .argument('<tenant>', 'whose')
    .action((tenant: string, { json }: Json) => finish(runRegistrationList(deps, { tenant, json })))
  define(registration, 'remove', 'end a registration', {
    examples: ['cimd registration remove my-tenant https://app.example.com/client.json'],
    remark: REMARK,
  })
    .argument('<tenant>', 'whose')
    .argument('<url>', 'the client_id')
    .action((tenant: string, clientId: string, { json }: Json) =>
      finish(runRegistrationRemove(deps, { tenant, clientId, json })),
    )
}
