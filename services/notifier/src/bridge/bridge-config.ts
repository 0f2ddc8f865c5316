import { DEFAULT_BRIDGE_QUEUE_PREFIX, DEFAULT_SCHEMA } from '@cimd/queue'
import { count } from '@cimd/runtime'
import { z } from 'zod'

const DEFAULT_QUEUE_NAME = 'cimd-events'
const DEFAULT_STREAM_PREFIX = 'cimd:events'
/** Some tens of megabytes at most, of a tenant that has as many events. */
const DEFAULT_STREAM_ENTRIES = 100_000
const DEFAULT_START = 'now'

const redisUrl = () =>
  z.url({ protocol: /^rediss?$/, error: 'must be a URL such as redis://host:6379' }).optional()
const key = (pattern: RegExp, error: string) => z.string().regex(pattern, { error })

/** Variables of the ways out to a queue and to streams of the operator's. */
export const bridgeEnvironment = {
  CIMD_BRIDGE_QUEUE_URL: redisUrl().describe(
    'A Redis on which each event is published as a job of a BullMQ queue; none if it is empty.',
  ),
  CIMD_BRIDGE_QUEUE_NAME: key(/^[\w.-]{1,128}$/, 'must be letters, digits, dots, hyphens and underscores')
    .default(DEFAULT_QUEUE_NAME)
    .describe('The name of that queue.'),
  CIMD_BRIDGE_QUEUE_PREFIX: key(
    /^[\w:.{}-]{1,128}$/,
    'must be letters, digits, dots, hyphens, underscores, colons and braces',
  )
    .refine((prefix) => prefix !== DEFAULT_SCHEMA, {
      error: 'must be another: the queues of the registrar are there',
    })
    .default(DEFAULT_BRIDGE_QUEUE_PREFIX)
    .describe('The prefix of its keys, as its workers name it.'),
  CIMD_BRIDGE_STREAM_URL: redisUrl().describe(
    'A Redis on which each event is published to a stream, one per tenant; none if it is empty.',
  ),
  CIMD_BRIDGE_STREAM_PREFIX: key(
    /^[\w:.{}-]{1,128}$/,
    'must be letters, digits, dots, hyphens, underscores, colons and braces',
  )
    .default(DEFAULT_STREAM_PREFIX)
    .describe('What the key of each stream begins with; a colon and the id of the tenant follow.'),
  CIMD_BRIDGE_STREAM_MAXLEN: count()
    .default(DEFAULT_STREAM_ENTRIES)
    .describe('About how many of its newest entries a stream keeps.'),
  CIMD_BRIDGE_FROM: z
    .enum(['beginning', 'now'], { error: 'must be beginning or now' })
    .default(DEFAULT_START)
    .describe('What is published first where nothing was before: every event that is kept, or what comes.'),
}

type BridgeEnvironment = z.output<z.ZodObject<typeof bridgeEnvironment>>
type Name = keyof BridgeEnvironment

// Default values cannot be told from none given, and do no harm.
const NEEDS: readonly { readonly name: Name; readonly without: unknown; readonly urls: readonly Name[] }[] = [
  { name: 'CIMD_BRIDGE_QUEUE_NAME', without: DEFAULT_QUEUE_NAME, urls: ['CIMD_BRIDGE_QUEUE_URL'] },
  { name: 'CIMD_BRIDGE_QUEUE_PREFIX', without: DEFAULT_BRIDGE_QUEUE_PREFIX, urls: ['CIMD_BRIDGE_QUEUE_URL'] },
  { name: 'CIMD_BRIDGE_STREAM_PREFIX', without: DEFAULT_STREAM_PREFIX, urls: ['CIMD_BRIDGE_STREAM_URL'] },
  { name: 'CIMD_BRIDGE_STREAM_MAXLEN', without: DEFAULT_STREAM_ENTRIES, urls: ['CIMD_BRIDGE_STREAM_URL'] },
  {
    name: 'CIMD_BRIDGE_FROM',
    without: DEFAULT_START,
    urls: ['CIMD_BRIDGE_QUEUE_URL', 'CIMD_BRIDGE_STREAM_URL'],
  },
]

/** Adds to an environment that has `bridgeEnvironment` in it what its variables demand of each other. */
export function checkBridges<Schema extends z.ZodObject>(schema: Schema): Schema {
  return NEEDS.reduce(
    (checked, { name, without, urls }) =>
      checked.refine(
        (given) => [undefined, without].includes(given[name]) || urls.some((url) => given[url] !== undefined),
        // Also beside other problems, so that all are reported at once.
        { path: [name], error: `has no effect without ${urls.join(' or ')}`, when: () => true },
      ),
    schema,
  )
}

/** The bridges to run. */
export function bridgesFrom(env: BridgeEnvironment) {
  return {
    from: env.CIMD_BRIDGE_FROM,
    queue:
      env.CIMD_BRIDGE_QUEUE_URL === undefined
        ? undefined
        : {
            url: env.CIMD_BRIDGE_QUEUE_URL,
            queue: env.CIMD_BRIDGE_QUEUE_NAME,
            prefix: env.CIMD_BRIDGE_QUEUE_PREFIX,
          },
    stream:
      env.CIMD_BRIDGE_STREAM_URL === undefined
        ? undefined
        : {
            url: env.CIMD_BRIDGE_STREAM_URL,
            prefix: env.CIMD_BRIDGE_STREAM_PREFIX,
            maxLength: env.CIMD_BRIDGE_STREAM_MAXLEN,
          },
  }
}

export type BridgesConfig = ReturnType<typeof bridgesFrom>
