import { Argument, type Command } from 'commander'
import { visibleName, wholeNumber } from './arguments.ts'
import { runBrakeEngage, runBrakeRelease, runBrakeShow } from './brake.ts'
import { runCanaryAdd, runCanaryList, runCanaryRemove } from './canary.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import type { StoreDeps } from './tenant.ts'

const MEANING =
  'While the brake is engaged, what was found within the hour before it and since ends no client: a fault of ours, a broken\n' +
  'gateway or a lying resolver must not lock everybody out. A client is held for a day at most from what was found about\n' +
  'it. Only an operator releases the brake.'

const CLIENTS = 20

/** `cimd brake` and what is below it. */
export function addBrake(program: Command, store: StoreDeps, finish: Finish): void {
  const brake = define(program, 'brake', 'show, engage and release the brake on withdrawals', {
    examples: ['cimd brake', 'cimd brake --limit 1000 --json'],
    remark: `${MEANING}\n${DATABASE}`,
  })
    .enablePositionalOptions()
    .option('--limit <n>', 'how many of the clients found to end are named', wholeNumber, CLIENTS)
    .action(({ limit, json }: Json & { readonly limit: number }) =>
      finish(runBrakeShow(store, { limit, json })),
    )
  addRelease(brake, store, finish)
  addEngage(brake, store, finish)
  addCanary(brake, store, finish)
}

function addRelease(brake: Command, store: StoreDeps, finish: Finish): void {
  define(brake, 'release', 'release the brake, because the fault is mended or because there was none', {
    examples: ['cimd brake release', 'cimd brake release --accept'],
    remark:
      'What was found counts only if it is found again: each client it was found about is fetched at once, and one that is\n' +
      'held is used until then. One that is withdrawn and held no more stays so until an answer is valid.\n' +
      'With --accept what was found takes effect at once, and counting engages nothing for an hour.\n' +
      DATABASE,
  })
    .option('--accept', 'there was no fault: what was found is true')
    .action(({ accept = false, json }: Json & { readonly accept?: boolean }) =>
      finish(runBrakeRelease(store, { accept, json })),
    )
}

function addEngage(brake: Command, store: StoreDeps, finish: Finish): void {
  define(brake, 'engage', 'engage the brake by hand, before counting does', {
    examples: ["cimd brake engage --reason 'the egress gateway answers 404 for everything'"],
    remark: `${MEANING}\n${DATABASE}`,
  })
    .requiredOption('--reason <text>', 'why, for whoever releases it', visibleName)
    .action(({ reason, json }: Json & { readonly reason: string }) =>
      finish(runBrakeEngage(store, { reason, json })),
    )
}

function addCanary(brake: Command, store: StoreDeps, finish: Finish): void {
  const canary = brake
    .command('canary')
    .description("choose documents of the operator's own whose end engages the brake")
  const url = () => new Argument('<url>', 'its client_id')
  define(canary, 'add', 'make a client a canary: it is looked after although nobody uses it', {
    examples: ['cimd brake canary add https://canary.example.com/client.json'],
    remark: `Publish it where none of your own systems is in between, and never take it down.\n${DATABASE}`,
  })
    .addArgument(url())
    .action((clientId: string, { json }: Json) => finish(runCanaryAdd(store, { clientId, json })))
  define(canary, 'remove', 'make a canary a client like any other', {
    examples: ['cimd brake canary remove https://canary.example.com/client.json'],
    remark: DATABASE,
  })
    .addArgument(url())
    .action((clientId: string, { json }: Json) => finish(runCanaryRemove(store, { clientId, json })))
  define(canary, 'list', 'list the canaries and how they are', {
    examples: ['cimd brake canary list'],
    remark: DATABASE,
  }).action(({ json }: Json) => finish(runCanaryList(store, { json })))
}
