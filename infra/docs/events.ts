import { cloudEvent, cloudEventOf, EVENT_DATA, type EventType } from '@cimd/core'
import { z } from 'zod'

type Schema = z.core.JSONSchema.BaseSchema

const TYPES = Object.keys(EVENT_DATA) as EventType[]

/** `docs/events.schema.json`: every event as JSON Schema 2020-12. */
export function renderEventSchema(): string {
  const oneOf = TYPES.map((type) => {
    const { $schema: _, ...schema } = z.toJSONSchema(cloudEventOf(type), { io: 'input' })
    return { title: type, ...schema }
  })
  const whole = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'An event of CIMD Registrar',
    oneOf,
  }
  return `${JSON.stringify(whole, undefined, 2)}\n`
}

/** `docs/events.md`: the envelope and every event. */
export function renderEvents(): string {
  return `${[
    '# Events',
    'Made from the schemas in `packages/core` by `npm run docs`; [events.schema.json](events.schema.json) is the same for programs.',
    INTRODUCTION,
    '## Envelope',
    'CloudEvents 1.0 in its JSON format. What you do not know, ignore: attributes, types and members of `data` will be added.',
    renderMembers(z.toJSONSchema(cloudEvent, { io: 'input' })),
    '## Types',
    ...TYPES.flatMap(renderType),
  ].join('\n\n')}\n`
}

const INTRODUCTION = `An event about a client is told to every tenant that used it when it happened, one about the service to every
tenant, one about a subscription to the tenant that has it. Read them with \`GET /v1/events\` and a key with the scope \`events\`:

- **As a list**: \`?after=<cursor>&wait_ms=30000\` answers \`{ "events": [...], "next": "<cursor>" }\`, at once if there are any, else when one
  comes or the time is over. Each event has a \`cursor\` of its own beside the envelope; keep that of the last one you are done with.
- **As a stream**: with \`Accept: text/event-stream\` each is sent as it comes, its cursor as its \`id\`, so that an \`EventSource\` goes on by itself
  where it was cut off. A tenant has a number of streams at each process (\`CIMD_EVENT_STREAMS_PER_TENANT_MAX\`).

Whoever would rather be told than ask makes a subscription: [integrations/webhooks.md](integrations/webhooks.md) says how to receive webhooks.

\`packages/client\` reads the list for you, again and again, and tries again where nothing answers. It is on no registry: take it from a checkout.

\`\`\`ts
import { events, knownEvent } from '@cimd/client'

for await (const event of events({ url, key, after: await readCursor() })) {
  const known = knownEvent(event)
  if (known?.type === 'client.withdrawn') await revoke(known.subject)
  await keepCursor(event.cursor)
}
\`\`\`

A feed has no gaps and never changes, but that the events about a client go when it is
[forgotten](lifecycle.md#dormancy-and-forgetting): whoever asks again after a cursor is told the same again. So an event can reach you twice, if you
are cut off before you have kept its cursor: \`id\` tells that. \`clientseq\` counts the events about one client without gaps.

A webhook is told the same envelopes, one in each request, signed by the rules of Standard Webhooks with the event's \`id\` as its \`webhook-id\`: those
about one client in their order, each at least once. What has failed for three days, while others were taken, is given up; the next event about that
client says so (\`skipped\`). \`verifyWebhook\` of \`packages/client\` verifies what comes. Before anything else an endpoint is sent a request
whose body is \`{"type":"subscription.verification","challenge":"...","subscription_id":"..."}\`, signed as well; it has to answer 2xx with that \`challenge\`,
as a member of a JSON object or alone as text.`

function renderType(type: EventType): readonly string[] {
  const schema: Schema = z.toJSONSchema(EVENT_DATA[type], { io: 'input' })
  return [`### ${type}`, schema.description ?? '', renderMembers(schema)]
}

function renderMembers(schema: Schema): string {
  const { properties = {}, required = [] } = schema
  const rows = Object.entries(properties).flatMap(([name, property]) =>
    typeof property === 'boolean'
      ? []
      : [
          [
            `\`${name}\``,
            describeValue(property),
            required.includes(name) ? 'yes' : 'no',
            property.description ?? '',
          ],
        ],
  )
  return [['member', 'value', 'always', 'what it says'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

function describeValue(schema: Schema): string {
  const { const: constant, enum: values, format, type, items, properties, pattern } = schema
  if (constant !== undefined) return `\`${String(constant)}\``
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(', ')
  if (format === 'date-time') return 'instant'
  if (format === 'uuid') return 'UUID'
  if (pattern === '^[0-9a-f]{64}$') return 'sha-256, hex'
  if (type === 'array') return `list of ${describeValue(items as Schema)}`
  if (properties !== undefined) return `\`{ ${Object.keys(properties).join(', ')} }\``
  return String(type ?? 'any')
}
