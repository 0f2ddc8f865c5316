import {
  DEFAULT_PROFILE,
  type FetchDocument,
  PROFILES,
  type ProfileId,
  PURPOSES,
  type Purpose,
} from '@cimd/core'
import { ConfigError, explain, loadTogether } from '@cimd/runtime'
import { readStatus } from '@cimd/store'
import { Command, CommanderError, Option } from 'commander'
import { wholeNumber } from './arguments.ts'
import { addAudit } from './audit-commands.ts'
import type { OpenInput } from './audit-verify.ts'
import { addBrake } from './brake-commands.ts'
import { runCheck } from './check.ts'
import { addClient } from './client-commands.ts'
import { DATABASE, define, type Finish, type Json, QUEUE } from './command.ts'
import { runConformance } from './conformance/conformance.ts'
import {
  createConnections,
  type Environment,
  readApiKey,
  readDeploymentKind,
  type Standalone,
  withStore,
} from './connection.ts'
import { addDomain } from './domain-commands.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { addKey, addOperatorKey } from './key-commands.ts'
import { runMigrate } from './migrate.ts'
import { addPolicy, addRegistration, addReview } from './policy-commands.ts'
import { complain, type Output } from './print.ts'
import { type ResolveDeps, runResolve } from './resolve.ts'
import { addRevalidate } from './revalidate-command.ts'
import { countQueues, runStatus } from './status.ts'
import { addSubject } from './subject.ts'
import { addDeliveries, addSubscription } from './subscription-commands.ts'
import type { StoreDeps } from './tenant.ts'
import { addTenant } from './tenant-commands.ts'

/** What the commands need of the process and the world. */
export type ProgramDeps = Pick<ResolveDeps, 'fetch' | 'monotonicMs' | 'sleep'> & {
  readonly version: string
  readonly environment: Environment
  readonly output: Output
  /** What `npm start` in this directory tells of itself. */
  readonly findStandalone: () => Standalone | undefined
  readonly fetchDocument: FetchDocument
  readonly readInput: (name: string) => Promise<Uint8Array>
  readonly openInput: OpenInput
}

/** Carries out one command line, `argv` without the program itself. Everything that can go wrong is told on stderr. */
export async function runProgram(argv: readonly string[], deps: ProgramDeps): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const program = createProgram(deps, async (work) => {
    exitCode = await work
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has told its own already; it ends the same way after --help and --version.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    complain(deps.output, explain(error))
    return error instanceof ConfigError || error instanceof UsageError ? 2 : 1
  }
}

const ABOUT = 'Operates a CIMD Registrar, and checks the client metadata documents it reads.'

const EXIT_CODES = `
Exit code: 0 fine; 1 the answer is no, or the operation failed; 2 wrong usage or configuration.
Answers go to standard output, errors to standard error.`

function createProgram(deps: ProgramDeps, finish: Finish): Command {
  const { stdout, stderr } = deps.output
  const program = new Command('cimd')
    .description(ABOUT)
    .version(deps.version)
    .exitOverride()
    // A command that has commands below it would take their options for its own otherwise.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'cimd: ')),
    })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('afterAll', EXIT_CODES)
  addResolve(program, deps, finish)
  addCheck(program, deps, finish)
  addConformance(program, deps, finish)
  addStatus(program, deps, finish)
  addMigrate(program, deps, finish)
  addBrake(program, storeDeps(deps), finish)
  addRevalidate(program, storeDeps(deps), finish)
  addClient(program, deps, storeDeps(deps), finish)
  addTenant(program, storeDeps(deps), finish)
  addKey(program, storeDeps(deps), finish)
  addOperatorKey(program, storeDeps(deps), finish)
  addDomain(program, storeDeps(deps), finish)
  const policies = { ...storeDeps(deps), readInput: deps.readInput }
  addPolicy(program, policies, finish)
  addReview(program, policies, finish)
  addRegistration(program, policies, finish)
  addSubject(program, { ...storeDeps(deps), readInput: deps.readInput }, finish)
  addAudit(program, deps, { ...storeDeps(deps), readInput: deps.readInput }, finish)
  addSubscription(program, storeDeps(deps), finish)
  addDeliveries(program, storeDeps(deps), finish)
  return program
}

type ResolveOptions = Json & {
  readonly subject?: string
  readonly purpose: Purpose
  readonly waitMs: number
  readonly redirectUri?: string
  readonly refresh?: boolean
  readonly api?: string
  readonly key?: string
}

function addResolve(program: Command, deps: ProgramDeps, finish: Finish): void {
  define(program, 'resolve', 'ask the api about a client, as an authorization server would', {
    examples: [
      'cimd resolve https://vscode.dev/oauth/client-metadata.json --subject alice',
      'cimd resolve https://app.example.com/client.json --redirect-uri https://app.example.com/cb',
      'cimd resolve https://app.example.com/client.json --subject alice --refresh --wait-ms 20000',
    ],
    remark: 'Exits with 0 when the client is ready and with 1 for anything else.',
  })
    .argument('<url>', 'the client_id')
    .option('--subject <name>', 'who has logged in; without one nothing is fetched')
    .addOption(new Option('--purpose <purpose>', 'why it is asked').choices(PURPOSES).default('authorize'))
    .option('--wait-ms <n>', 'how long to wait for a fetch, in milliseconds', wholeNumber, 10_000)
    .option('--redirect-uri <uri>', 'also tell whether the document allows this redirect URI')
    .option('--refresh', 'demand a fetch whatever is known')
    .option('--api <url>', 'the api (CIMD_API_URL, else that of `npm start`, else http://127.0.0.1:8080)')
    .option('--key <key>', 'the API key (CIMD_API_KEY, which other users cannot see)')
    .action((clientId: string, { subject, redirectUri, refresh, json, ...options }: ResolveOptions) => {
      const api = createConnections(deps.environment, deps.findStandalone).api(options.api)
      const key = readApiKey(options.key, deps.environment)
      return finish(
        runResolve({ ...deps, api, key }, { ...options, clientId, subject, redirectUri, refresh, json }),
      )
    })
}

type CheckOptions = Json & {
  readonly clientId?: string
  readonly profile: ProfileId
  readonly asMetadata?: string
}

function addCheck(program: Command, deps: ProgramDeps, finish: Finish): void {
  const profile = new Option('--profile <profile>', 'what more than the draft is asked')
  define(program, 'check', 'say everything that is wrong with client metadata documents', {
    examples: [
      'cimd check https://vscode.dev/oauth/client-metadata.json',
      'cimd check client.json --client-id https://app.example.com/client.json --profile mcp-2026-07-28',
      'cimd check client.json --as-metadata as.json',
      'cimd check documents/*.json',
      'node make-document.js | cimd check - --json',
    ],
    remark:
      'A URL is fetched from this machine, directly and not through a proxy. Several documents are told in a table.\n' +
      'Every code is explained in docs/failures.md, every rule in docs/requirements.md.',
  })
    .argument('<url|file...>', 'a client_id, the name of a file, or - for standard input')
    .option('--client-id <url>', 'the client_id a FILE is judged by, instead of its own')
    .addOption(profile.choices(Object.keys(PROFILES)).default(DEFAULT_PROFILE))
    .option('--as-metadata <file>', 'also tell what the authorization server with this metadata can use')
    .action((targets: readonly string[], { clientId, profile: by, asMetadata, json }: CheckOptions) =>
      finish(runCheck(deps, { targets, clientId, profile: by, asMetadata, json })),
    )
}

type ConformanceOptions = Json & {
  readonly vectors: string
  readonly exec?: string
  readonly strict?: boolean
  readonly rule?: string
}

function addConformance(program: Command, { output }: ProgramDeps, finish: Finish): void {
  define(program, 'conformance', 'run conformance vectors against this or another implementation', {
    examples: [
      'cimd conformance --vectors test/conformance/vectors',
      "cimd conformance --vectors test/conformance/vectors --exec 'python3 answers.py'",
      'cimd conformance --vectors test/conformance/vectors --rule CID-07 --json',
    ],
    remark:
      'The command reads a line of JSON from its standard input and answers with one: test/conformance/README.md.\n' +
      'Exits with 0 when at least one case passed and none failed.',
  })
    .requiredOption('--vectors <dir>', 'the folder with the *.json files')
    .option('--exec <command>', 'the implementation to ask (this one)')
    .option('--rule <number>', 'only the cases of one rule, such as CID-07')
    .option('--strict', 'compare codes and warnings too, as is done for this implementation')
    .action(({ vectors, exec, strict, rule, json }: ConformanceOptions) =>
      finish(runConformance(output, { vectors, exec, strict, rule, json })),
    )
}

function addStatus(program: Command, deps: ProgramDeps, finish: Finish): void {
  define(program, 'status', 'show the store and the queues in numbers', {
    examples: ['cimd status', 'cimd status --json'],
    remark: `${DATABASE}\n${QUEUE}`,
  }).action(({ json }: Json) => {
    const { database, queue } = createConnections(deps.environment, deps.findStandalone)
    const located = loadTogether({ database, queue })
    const status = () => withStore(located.database, readStatus)
    const queues = () => countQueues(located.queue)
    return finish(runStatus({ output: deps.output, readStatus: status, countQueues: queues }, { json }))
  })
}

function addMigrate(program: Command, deps: ProgramDeps, finish: Finish): void {
  define(program, 'migrate', 'bring the store and the queue store to what this release needs', {
    examples: ['cimd migrate', 'CIMD_ENV=production cimd migrate'],
    remark: `${DATABASE}\n${QUEUE}\nIt may be run again at any time.`,
  }).action(({ json }: Json) => {
    const { database, queue } = createConnections(deps.environment, deps.findStandalone)
    const environment = () => readDeploymentKind(deps.environment)
    const located = loadTogether({ database, queue, environment })
    return finish(runMigrate({ ...located, output: deps.output }, { json }))
  })
}

function storeDeps({ environment, findStandalone, output }: ProgramDeps): StoreDeps {
  const { database } = createConnections(environment, findStandalone)
  return { output, withStore: async (work) => withStore(database(), work) }
}
