import { API_KEY_SCOPES, KEY_OVERLAP_SECONDS } from '@cimd/store'
import { type Command, Option } from 'commander'
import { dayCount, keyOverlapSeconds } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { runKeyCreate, runKeyList, runKeyRevoke, runKeyRotate } from './key.ts'
import {
  runOperatorKeyCreate,
  runOperatorKeyList,
  runOperatorKeyRevoke,
  runOperatorKeyRotate,
} from './operator-key.ts'
import type { StoreDeps } from './tenant.ts'

type CreateOptions = Json & { readonly expiresDays?: number }
type KeyCreateOptions = CreateOptions & { readonly scope: readonly string[] }
type RotateOptions = Json & { readonly overlap: number }

/** The commands about the keys of tenants. */
export function addKey(program: Command, store: StoreDeps, finish: Finish): void {
  const key = program.command('key').description('make, list, rotate and revoke API keys')
  const scope = new Option('--scope <scope...>', 'what the key may do').choices(API_KEY_SCOPES)
  define(key, 'create', 'make an API key and show it, this once', {
    examples: [
      'cimd key create my-tenant',
      'cimd key create my-tenant --scope resolve --expires-days 90',
      'export CIMD_API_KEY=$(cimd key create my-tenant)',
    ],
    remark: DATABASE,
  })
    .argument('<tenant>', 'whose key it is')
    .addOption(scope.default(['resolve', 'events']))
    .addOption(lifetime())
    .action((tenant: string, { scope: scopes, expiresDays: expiresInDays, json }: KeyCreateOptions) =>
      finish(runKeyCreate(store, { tenant, scopes, expiresInDays, json })),
    )
  define(key, 'list', 'list the keys of a tenant by what may be shown of them', {
    examples: ['cimd key list my-tenant'],
    remark: DATABASE,
  })
    .argument('<tenant>', 'whose keys')
    .action((tenant: string, { json }: Json) => finish(runKeyList(store, { tenant, json })))
  addRotate(key, 'cimd key', ({ prefix, overlap: overlapSeconds, json }) =>
    finish(runKeyRotate(store, { prefix, overlapSeconds, json })),
  )
  addRevoke(key, 'cimd key', (options) => finish(runKeyRevoke(store, options)))
}

/** The commands about the keys of operators. */
export function addOperatorKey(program: Command, store: StoreDeps, finish: Finish): void {
  const key = program
    .command('operator-key')
    .description('make, list, rotate and revoke keys for the routes about every tenant')
  define(key, 'create', 'make a key of an operator and show it, this once', {
    examples: ['cimd operator-key create --expires-days 90'],
    remark: `${DATABASE}\nThe api takes it where CIMD_OPERATOR_ROUTES is on.`,
  })
    .addOption(lifetime())
    .action(({ expiresDays: expiresInDays, json }: CreateOptions) =>
      finish(runOperatorKeyCreate(store, { expiresInDays, json })),
    )
  define(key, 'list', 'list the keys of operators by what may be shown of them', {
    examples: ['cimd operator-key list'],
    remark: DATABASE,
  }).action(({ json }: Json) => finish(runOperatorKeyList(store, { json })))
  addRotate(key, 'cimd operator-key', ({ prefix, overlap: overlapSeconds, json }) =>
    finish(runOperatorKeyRotate(store, { prefix, overlapSeconds, json })),
  )
  addRevoke(key, 'cimd operator-key', (options) => finish(runOperatorKeyRevoke(store, options)))
}

function lifetime(): Option {
  return new Option('--expires-days <n>', 'how many days it works (until it is revoked)').argParser(dayCount)
}

function addRotate(
  parent: Command,
  path: string,
  run: (options: RotateOptions & { readonly prefix: string }) => Promise<void>,
): void {
  define(parent, 'rotate', 'make another key in the place of one, and show it, this once', {
    examples: [`${path} rotate 0123456789ab`, `${path} rotate 0123456789ab --overlap 3600`],
    remark: `${DATABASE}\nThe new key has the scopes of the old, and a lifetime as long as it was given.`,
  })
    .argument('<prefix>', PREFIX)
    .option(
      '--overlap <seconds>',
      'how long the old one works as well',
      keyOverlapSeconds,
      KEY_OVERLAP_SECONDS.default,
    )
    .action((prefix: string, options: RotateOptions) => run({ ...options, prefix }))
}

function addRevoke(
  parent: Command,
  path: string,
  run: (options: { readonly prefix: string; readonly json: boolean | undefined }) => Promise<void>,
): void {
  define(parent, 'revoke', 'revoke a key, at once and for good', {
    examples: [`${path} revoke 0123456789ab`],
    remark: DATABASE,
  })
    .argument('<prefix>', PREFIX)
    .action((prefix: string, { json }: Json) => run({ prefix, json }))
}

const PREFIX = 'the 12 characters after cimd_ or cimdop_, as `list` shows them'
