import type { ClientIdUrl } from '@cimd/core'
import { quantile } from '../bench/statistics.ts'
import { timed } from '../bench/stopwatch.ts'
import type { ApiClient } from '../harness/api-client.ts'

/** Milliseconds of a first contact. */
export type ContactTimes = { readonly p50: number; readonly p95: number }

/** First contacts one after the other: what is measured is not how they share among themselves. */
export async function contactAll(api: ApiClient, clientIds: readonly ClientIdUrl[]): Promise<ContactTimes> {
  const times: number[] = []
  for (const clientId of clientIds) {
    const { ms, value } = await timed(() => api.resolve({ client_id: clientId, wait_ms: 30_000 }))
    if (value.status !== 200) throw new Error(`${clientId}: ${value.status} ${JSON.stringify(value.body)}`)
    times.push(ms)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
}
