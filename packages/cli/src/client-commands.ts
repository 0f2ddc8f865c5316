import type { Command } from 'commander'
import { wholeNumber } from './arguments.ts'
import { runClientShow } from './client.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { createConnections, readApiKey } from './connection.ts'
import type { ProgramDeps } from './program.ts'
import { runClientRelease } from './quarantine.ts'
import type { StoreDeps } from './tenant.ts'

type ShowOptions = Json & {
  readonly limit: number
  readonly before?: string
  readonly api?: string
  readonly key?: string
}

const LINES = 20

/** `cimd client` and what is below it. */
export function addClient(program: Command, deps: ProgramDeps, store: StoreDeps, finish: Finish): void {
  const client = program.command('client').description('what is known of a client')
  addShow(client, deps, finish)
  addRelease(client, store, finish)
}

function addRelease(client: Command, store: StoreDeps, finish: Finish): void {
  define(
    client,
    'release',
    'end the quarantine of a client, once its publisher or a release of ours has mended it',
    {
      examples: ['cimd client release https://app.example.com/client.json'],
      remark:
        'It is fetched at once, in a process of its own, and set aside again if that dies. Unreleased it is tried once a day.\n' +
        DATABASE,
    },
  )
    .argument('<url>', 'the client_id')
    .action((clientId: string, { json }: Json) => finish(runClientRelease(store, { clientId, json })))
}

function addShow(client: Command, deps: ProgramDeps, finish: Finish): void {
  define(client, 'show', 'show how a client is, why, what comes next, and what happened to it', {
    examples: [
      'cimd client show https://app.example.com/client.json',
      'cimd client show https://app.example.com/client.json --limit 100 --json',
    ],
    remark: 'It asks the api, which tells a tenant what happened since its own first use of the client.',
  })
    .argument('<url>', 'the client_id')
    .option('--limit <n>', 'how many lines of history', wholeNumber, LINES)
    .option('--before <cursor>', 'history older than that, as the last answer names it')
    .option('--api <url>', 'the api (CIMD_API_URL, else that of `npm start`, else http://127.0.0.1:8080)')
    .option('--key <key>', 'the API key (CIMD_API_KEY, which other users cannot see)')
    .action((clientId: string, { limit, before, json, ...given }: ShowOptions) => {
      const api = createConnections(deps.environment, deps.findStandalone).api(given.api)
      const key = readApiKey(given.key, deps.environment)
      return finish(runClientShow({ ...deps, api, key }, { clientId, limit, before, json }))
    })
}
