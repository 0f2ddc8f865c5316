import type { Logger } from '@cimd/runtime'

/** No logo can be decoded on this machine: documents and keys are fetched all the same. */
export function logBrokenDecoder(log: Logger, reason: unknown): void {
  log.error(
    { event: 'decoder.broken', err: reason },
    'no image can be decoded here, so this fetcher leaves logos alone: install the packages for this machine (npm ci), ' +
      'give CIMD_LOGO_MEMORY_MIB and CIMD_LOGO_DECODE_MS room, and start it again',
  )
}
