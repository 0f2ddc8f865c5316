/** An event on its way out, at its place in the feed of its tenant. */
export type BridgeEntry = {
  readonly position: number
  /** A CloudEvent; of its members only these two matter here. */
  readonly event: { readonly id: string; readonly type: string }
}

/** Events of one tenant, in the order of its feed. */
export type BridgeBatch = {
  readonly tenant: string
  /** The last position the tenant's feed has given out. */
  readonly feedPosition: number
  readonly entries: readonly BridgeEntry[]
}

/** A way out to a queue or to streams of the operator's. Calls end within about two seconds. */
export type Bridge = {
  /** Kind and target, without credentials: the name under which its progress is kept. */
  readonly name: string
  /**
   * Publishes in order, and what was published before not once more. Rejected, with a QueueUnavailableError or a
   * BridgeRefusedError, is neither published nor unpublished: the same events have to come again, in the same order.
   */
  publish(batch: BridgeBatch): Promise<void>
  /** Resolves when the target answers. */
  check(): Promise<void>
  close(): Promise<void>
}

/** What a bridge of any kind is opened with. */
export type BridgeOptions = {
  /** `redis://` or `rediss://`. */
  readonly url: string
  /** Told of connection trouble once, until the target has answered again. */
  readonly onError: (error: Error) => void
}

/** The target answers, and does not take what one tenant is told; nothing is wrong with the others. */
export class BridgeRefusedError extends Error {
  override readonly name = 'BridgeRefusedError'
  readonly code = 'bridge_refused'
  readonly tenant: string

  constructor(tenant: string, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.tenant = tenant
  }
}

/** Reports the first fault of an outage; a client that reconnects has one every two seconds. */
export function createOutageReport(report: (error: Error) => void) {
  let reported = false
  return {
    onError: (error: Error): void => {
      if (!reported) report(error)
      reported = true
    },
    /** Passes on what an answer of the target was, after which a fault is news again. */
    over: <T>(answer: T): T => {
      reported = false
      return answer
    },
  }
}
