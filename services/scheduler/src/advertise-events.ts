import type { AdvertiseVerdict } from '@cimd/core'
import type { Logger } from '@cimd/runtime'

/** Authorization servers are told to begin, or to cease, to advertise. */
export function logAdvertiseChanged(log: Logger, { advertise, why }: AdvertiseVerdict): void {
  const fields = { event: 'advertise.changed', advertise, why }
  if (advertise) log.info(fields, 'the way to publishers works: authorization servers may advertise')
  else
    log.error(fields, 'the way to publishers does not work: authorization servers are told not to advertise')
}
