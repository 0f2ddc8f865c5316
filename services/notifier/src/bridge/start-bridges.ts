import { type Bridge, createQueueBridge, createStreamBridge } from '@cimd/queue'
import type { HealthChecks, Logger } from '@cimd/runtime'
import { type Db, joinBridge, publishBridged } from '@cimd/store'
import type { BridgesConfig } from './bridge-config.ts'
import { type RunBridgeDeps, runBridge } from './run-bridge.ts'

/** What the bridges of a deployment are run with. */
export type StartBridgesDeps = {
  readonly log: Logger
  readonly db: Db
  readonly config: BridgesConfig
  /** Names this deployment in its events. */
  readonly source: string
}

/** The bridges of a deployment, none of which holds up anything else. */
export type RunningBridges = {
  /** Some tenant has news. */
  readonly wake: () => void
  /** One per bridge, none of which the process has to pass to be ready. */
  readonly checks: HealthChecks
  readonly stop: () => Promise<void>
}

/** Starts those that the configuration names; a target that does not answer is tried again for as long as it takes. */
export function startBridges(deps: StartBridgesDeps): RunningBridges {
  const running = openBridges(deps).map((bridge) => {
    const { wake, check, stop } = runBridge(bridgeDeps(deps, bridge))
    const stopAndClose = () => stop().finally(bridge.close)
    return { name: bridge.name, wake, check: { required: false, check }, stop: stopAndClose } as const
  })
  return {
    wake: () => {
      for (const { wake } of running) wake()
    },
    checks: Object.fromEntries(running.map(({ name, check }) => [name, check])),
    stop: async () => void (await Promise.all(running.map(({ stop }) => stop()))),
  }
}

function openBridges({ log, config: { queue, stream } }: StartBridgesDeps): Bridge[] {
  const onError = (error: Error): void =>
    log.warn({ event: 'connection.error', err: error }, 'the connection of a bridge failed')
  return [
    ...(queue === undefined ? [] : [createQueueBridge({ ...queue, onError })]),
    ...(stream === undefined ? [] : [createStreamBridge({ ...stream, onError })]),
  ]
}

function bridgeDeps({ log, db, config, source }: StartBridgesDeps, bridge: Bridge): RunBridgeDeps {
  return {
    ...{ bridge, source, from: config.from },
    join: (start) => joinBridge(db, bridge.name, start),
    publishNext: (options, publish) => publishBridged(db, bridge.name, options, publish),
    onFailed: (error, tenant) =>
      log.error(
        { event: 'bridge.failed', bridge: bridge.name, ...(tenant !== undefined && { tenant }), err: error },
        'events were not published and will be tried again',
      ),
    monotonicMs: () => performance.now(),
  }
}
