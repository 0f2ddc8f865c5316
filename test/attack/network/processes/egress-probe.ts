import type { ClientIdUrl } from '@cimd/core'
import { createFetchDocument, dialTcp, dialThroughProxy } from '@cimd/egress'
import type { Fetched, FetchOrder } from '../rig.ts'

// Fetches, guarded, from a name that resolves to each address it is told of by a message, one name per address.

const DEADLINE_MS = 10_000
/** As many as a fetcher would fetch at once. */
const CONCURRENCY = 32

process.once('message', (order: FetchOrder) => {
  fetchAll(order).then(
    (results) => process.send?.(results, () => process.exit()),
    (error) => {
      throw error
    },
  )
})
process.send?.('listening')

async function fetchAll({ addresses, proxy }: FetchOrder): Promise<Fetched[]> {
  const fetchDocument = createFetchDocument({
    userAgent: 'cimd-registrar/0.1',
    resolve: async (host) => [addresses[Number.parseInt(host, 10)] ?? ''],
    dial: proxy === undefined ? dialTcp : dialThroughProxy(proxy),
    deadlineMs: DEADLINE_MS,
  })
  const results: Fetched[] = []
  const waiting = addresses.entries()
  const fetchNext = async () => {
    for (const [index, address] of waiting) {
      const request = { url: `https://${index}.example.com/c.json` as ClientIdUrl, validators: {} }
      const result = await fetchDocument(request, new AbortController().signal)
      results[index] = { address, code: result.kind === 'failed' ? result.code : result.kind }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, fetchNext))
  return results
}
