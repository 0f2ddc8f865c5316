import type { Logger } from '@cimd/runtime'
import type { Death } from './isolation/isolated-process.ts'

/** What is fetched there has killed the process that worked it alone: a bug of ours that somebody should look at. */
export function logDeath(log: Logger, url: string, { how, said }: Death): void {
  log.error({ event: 'isolated.died', url, how, said }, 'a process died of what it worked alone')
}
