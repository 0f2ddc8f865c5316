import dns from 'node:dns'
import { type ClientIdUrl, parseClientMetadata } from '@cimd/core'
import { createFetchDocument, dialTcp } from '@cimd/egress'

// One guarded fetch under the environment of this process, told as JSON: a server on loopback, dialled for real.

type Order = { readonly host: string; readonly port: number; readonly ca: string | null }

const { host, port, ca }: Order = JSON.parse(process.argv[2] ?? '')
const url = `https://${host}:${port}/client.json` as ClientIdUrl

/** Any look-up by the system would go through one of these, and be seen. */
for (const method of ['lookup', 'resolve4', 'resolve6'] as const) {
  Object.assign(dns, { [method]: () => process.exit(3) })
}

const fetchDocument = createFetchDocument({
  userAgent: 'cimd-attack',
  resolve: async () => ['127.0.0.1'],
  dial: dialTcp,
  allowedPorts: [port],
  dangerouslyAllowLoopback: true,
  ...(ca !== null && { ca }),
})
const result = await fetchDocument({ url }, new AbortController().signal)
const code = result.kind === 'failed' ? result.code : undefined
const parsed = result.kind === 'fetched' ? parseClientMetadata(result.body, url).ok : undefined
process.stdout.write(JSON.stringify({ kind: result.kind, code, parsed }))
