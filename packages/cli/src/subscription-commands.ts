import { CHANGE_CLASSES, EVENT_DATA, SECRET_OVERLAP_SECONDS } from '@cimd/core'
import { type Command, Option } from 'commander'
import { feedCursor, overlapSeconds, uuid, wholeNumber } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { type DeliveriesListArgs, runDeliveriesList, runDeliveriesReplay } from './deliveries.ts'
import {
  runSubscriptionAdd,
  runSubscriptionDisable,
  runSubscriptionList,
  runSubscriptionRemove,
  runSubscriptionRotateSecret,
  runSubscriptionShow,
  runSubscriptionVerify,
} from './subscription.ts'
import type { StoreDeps } from './tenant.ts'

type Tenant = Json & { readonly tenant: string }

const EXAMPLE = '5b0e0c5e-3f0c-4c39-9d3e-2f9a4d0a6a11'
const WEBHOOKS = 'docs/integrations/webhooks.md says how to receive.'

/** `cimd subscription` and what is below it. */
export function addSubscription(program: Command, store: StoreDeps, finish: Finish): void {
  const subscription = program
    .command('subscription')
    .description('who is told of events by webhook: make, list, verify, disable and remove')
  addAdd(subscription, store, finish)
  defineOfTenant(subscription, 'list', 'list the subscriptions of a tenant', {
    examples: ['cimd subscription list --tenant my-tenant'],
  }).action(({ tenant, json }: Tenant) => finish(runSubscriptionList(store, { tenant, json })))
  defineOfOne(subscription, 'show', 'show what a subscription wants and how its endpoint is').action(
    (id: string, { tenant, json }: Tenant) => finish(runSubscriptionShow(store, { tenant, id, json })),
  )
  addRotateSecret(subscription, store, finish)
  defineOfOne(subscription, 'verify', 'verify the endpoint again, also to enable what is disabled').action(
    (id: string, { tenant, json }: Tenant) => finish(runSubscriptionVerify(store, { tenant, id, json })),
  )
  defineOfOne(subscription, 'disable', 'tell the endpoint nothing until it is verified again').action(
    (id: string, { tenant, json }: Tenant) => finish(runSubscriptionDisable(store, { tenant, id, json })),
  )
  defineOfOne(subscription, 'remove', 'end a subscription with all its deliveries').action(
    (id: string, { tenant, json }: Tenant) => finish(runSubscriptionRemove(store, { tenant, id, json })),
  )
}

type AddOptions = Tenant & {
  readonly type?: readonly string[]
  readonly host?: readonly string[]
  readonly changeClass?: readonly string[]
  readonly after?: number
}

function addAdd(subscription: Command, store: StoreDeps, finish: Finish): void {
  const type = new Option('--type <type...>', 'only these types of events (all)')
  const changeClass = new Option('--change-class <class...>', 'only changes of these classes (all)')
  defineOfTenant(subscription, 'add', 'make a subscription and show its secret, this once', {
    examples: [
      'cimd subscription add --tenant my-tenant https://hooks.example.com/cimd',
      "cimd subscription add --tenant my-tenant https://hooks.example.com/cimd --host '*.example.com' --after 0",
      'cimd subscription add --tenant my-tenant https://hooks.example.com/cimd --type client.withdrawn client.keys_changed',
    ],
    remark: 'A limit on how many there may be is of the api alone.',
  })
    .argument('<url>', 'the endpoint: https and a public host name')
    .addOption(type.choices(Object.keys(EVENT_DATA)))
    .option('--host <pattern...>', 'only clients of these hosts: app.example.com, or *.example.com (all)')
    .addOption(changeClass.choices(CHANGE_CLASSES))
    .option(
      '--after <cursor>',
      'also what comes after this cursor of the feed, 0 for all (from now on)',
      feedCursor,
    )
    .action((url: string, { tenant, type: types, host: hosts, changeClass, after, json }: AddOptions) =>
      finish(
        runSubscriptionAdd(store, { tenant, url, types, hosts, changeClasses: changeClass, after, json }),
      ),
    )
}

function addRotateSecret(subscription: Command, store: StoreDeps, finish: Finish): void {
  const overlap = 'how long the secret before it signs as well; those before that end now'
  defineOfOne(subscription, 'rotate-secret', 'make another secret and show it, this once')
    .option('--overlap-seconds <n>', overlap, overlapSeconds, SECRET_OVERLAP_SECONDS.default)
    .action((id: string, { tenant, overlapSeconds, json }: Tenant & { readonly overlapSeconds: number }) =>
      finish(runSubscriptionRotateSecret(store, { tenant, id, overlapSeconds, json })),
    )
}

type Of = Tenant & { readonly subscription: string }
type ListOptions = Of & Pick<Partial<DeliveriesListArgs>, 'state' | 'before'> & { readonly limit: number }
type ReplayOptions = Of & {
  readonly event?: string
  readonly dead?: boolean
  readonly after?: number
  readonly upTo?: number
}

/** `cimd deliveries` and what is below it. */
export function addDeliveries(program: Command, store: StoreDeps, finish: Finish): void {
  const deliveries = program
    .command('deliveries')
    .description('what became of each event for a subscription, and the same once more')
  const state = new Option('--state <state>', 'only these').choices(['waiting', 'delivered', 'dead'])
  const of = `--tenant my-tenant --subscription ${EXAMPLE}`
  defineOfTenant(deliveries, 'list', 'list deliveries, the newest event first', {
    examples: [`cimd deliveries list ${of}`, `cimd deliveries list ${of} --state dead --json`],
  })
    .requiredOption('--subscription <id>', 'which subscription', uuid)
    .addOption(state)
    .option('--before <cursor>', 'only what is older, as the last answer names it', feedCursor)
    .option('--limit <n>', 'how many', wholeNumber, 50)
    .action(({ tenant, subscription, state, before, limit, json }: ListOptions) =>
      finish(runDeliveriesList(store, { tenant, subscription, state, before, limit, json })),
    )
  defineOfTenant(deliveries, 'replay', 'deliver events again, in the order of the feed', {
    examples: [
      `cimd deliveries replay ${of} --dead`,
      `cimd deliveries replay ${of} --event ${EXAMPLE}`,
      `cimd deliveries replay ${of} --after 120 --up-to 180`,
    ],
    remark:
      'What was never for this subscription is not delivered: to be told older events, make another one with --after.',
  })
    .requiredOption('--subscription <id>', 'which subscription', uuid)
    .option('--event <id>', 'one event', uuid)
    .option('--dead', 'all that was given up')
    .option('--after <cursor>', 'what comes after this cursor of the feed', feedCursor)
    .option('--up-to <cursor>', 'and up to this one (now)', feedCursor)
    .action(({ tenant, subscription, event, dead, after, upTo, json }: ReplayOptions) =>
      finish(runDeliveriesReplay(store, { tenant, subscription, event, dead, after, upTo, json })),
    )
}

function defineOfTenant(
  parent: Command,
  name: string,
  description: string,
  { examples, remark }: { readonly examples: readonly string[]; readonly remark?: string },
): Command {
  const remarks = [WEBHOOKS, ...(remark === undefined ? [] : [remark]), DATABASE].join('\n')
  return define(parent, name, description, { examples, remark: remarks }).requiredOption(
    '--tenant <name>',
    'whose subscription it is',
  )
}

function defineOfOne(parent: Command, name: string, description: string): Command {
  const examples = [`cimd subscription ${name} --tenant my-tenant ${EXAMPLE}`]
  return defineOfTenant(parent, name, description, { examples }).argument(
    '<id>',
    'as `cimd subscription list` shows it',
    uuid,
  )
}
