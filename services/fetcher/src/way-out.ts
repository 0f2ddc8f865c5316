import type { AskNameServers, FetchResource } from '@cimd/core'
import { createGuardedFetch, guardedOptions, type InjectedNetwork, nameServerQuestion } from '@cimd/egress'
import type { FetcherConfig } from './config.ts'

/** What tests and the demo put in place of the real Internet. */
export type FetcherNetwork = InjectedNetwork & {
  /** Absent in a network that is put in place: nobody there knows of name servers. */
  readonly askNameServers?: AskNameServers
  /** Stands for main-isolated.ts, and puts the same in its place; absent: nothing is worked in a process of its own. */
  readonly isolated?: IsolatedScript
}

/** A script to be run in a process of its own. */
export type IsolatedScript = {
  readonly script: string
  readonly environment: Readonly<Record<string, string>>
}

/** What is configured of every fetch, in whichever process it is made. */
export type WayOutConfig = Pick<FetcherConfig, 'fetch' | 'wayOut'>

/** The guarded fetch, as it is configured. */
export function createWayOut({ fetch, wayOut }: WayOutConfig, injected: FetcherNetwork): FetchResource {
  const { isolated: _isolated, askNameServers: _ask, ...network } = injected
  return createGuardedFetch({ ...fetch, ...guardedOptions(wayOut), ...network })
}

/** The question for name servers, which goes where the names of hosts are asked for. */
export function createNameServerQuestion(
  { wayOut }: Pick<WayOutConfig, 'wayOut'>,
  injected: FetcherNetwork,
): AskNameServers {
  if (Object.keys(injected).length === 0) return nameServerQuestion(wayOut)
  return injected.askNameServers ?? (async () => ({ kind: 'unknown' }))
}
