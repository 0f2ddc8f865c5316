import { admitInTurn } from '@cimd/store'
import type { DutyDeps } from './duties.ts'

/**
 * Puts on the fetch queue what waits in line and has its turn, until no place is free. A queue that refuses costs time: what
 * has its place is found by the sweep.
 */
export async function admitWaiting({ db, producer, config, isStopping }: DutyDeps): Promise<void> {
  while (!isStopping()) {
    const { clients, more } = await admitInTurn(db, config.tenantFetchesMax)
    await producer.enqueue('fetch', clients)
    if (!more) return
  }
}
