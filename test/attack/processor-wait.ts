import { readFileSync } from 'node:fs'

/**
 * For how long this process's main thread could have run so far while others had the processor, where the system tells:
 * that is not its own doing, while everything that it works on or waits for is.
 */
export function processorWaitMs(): number {
  try {
    const [, waitedNs = '0'] = readFileSync('/proc/self/schedstat', 'latin1').split(' ')
    return Number(waitedNs) / 1e6
  } catch {
    return 0
  }
}
