import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const MARKED_MS = 9000

/**
 * A document ends every process that judges it, until its publisher takes it back. The fetchers run with the edits
 * `crash-on-marker`.
 */
export const crashingDocument: Fault = {
  name: 'document that ends its parser',
  turns: 2,
  disturbsStore: false,
  endsServices: true,
  strike: async ({ publishers, load, random, supervisor, releaseQuarantine }) => {
    const clientId = random.pick(publishers.clientIds.slice(0, 20))
    const before = supervisor.lives.length
    publishers.mark(clientId, true)
    // Answered when the marker is gone, if not earlier.
    load.refreshLater(clientId)
    await sleep(MARKED_MS)
    publishers.mark(clientId, false)
    await releaseQuarantine(clientId)
    return supervisor.lives.slice(before).filter(({ end }) => end === 'by itself').length
  },
}
