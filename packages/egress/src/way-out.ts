import type { AskNameServers } from '@cimd/core'
import { createAskNameServers } from './ask-name-servers.ts'
import { type AddressPolicy, createClassifier } from './classify-address.ts'
import type { Dial } from './dial.ts'
import { dialThroughProxy } from './dial-through-proxy.ts'
import type { GuardedOptions } from './guarded-request.ts'
import { createResolver, type Resolve } from './resolve.ts'

/** How a deployment is to reach strangers, as it is configured. */
export type WayOut = {
  readonly proxy: string | undefined
  /** The system's where there is none. */
  readonly dnsServers: readonly string[]
  readonly addresses: AddressPolicy
  readonly userAgent: string
  readonly dangerouslyAllowLoopback: boolean
}

/** What tests and the demo put in place of the real Internet. */
export type InjectedNetwork = { readonly resolve?: Resolve; readonly dial?: Dial; readonly ca?: string }

/** A configured way out as options of the guarded requests. */
export function guardedOptions({ proxy, dnsServers, ...options }: WayOut): GuardedOptions {
  return {
    ...options,
    ...(dnsServers.length > 0 && { resolve: createResolver({ servers: dnsServers }) }),
    ...(proxy !== undefined && { dial: dialThroughProxy(proxy) }),
  }
}

/** The question for name servers by a configured way out: it goes to whoever resolves the hosts. */
export function nameServerQuestion({ dnsServers }: Pick<WayOut, 'dnsServers'>): AskNameServers {
  return createAskNameServers(dnsServers.length > 0 ? { servers: dnsServers } : {})
}

/** Whether each setting of a way out can be used. */
export const USABLE_SETTINGS = {
  proxy: (url: string) => succeeds(() => dialThroughProxy(url)),
  deniedBlocks: (deniedBlocks: readonly string[]) => succeeds(() => createClassifier({ deniedBlocks })),
  nat64Prefixes: (nat64Prefixes: readonly string[]) => succeeds(() => createClassifier({ nat64Prefixes })),
  dnsServers: (servers: readonly string[]) => succeeds(() => createResolver({ servers })),
} as const

function succeeds(make: () => unknown): boolean {
  try {
    make()
    return true
  } catch {
    return false
  }
}
