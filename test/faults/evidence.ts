// What the checker looks at, and nothing else: what the origin was asked, what the load asked and was answered, what was
// received of each feed and each webhook, what the database holds at the end, and what was done to the processes.
// Instants are milliseconds of this machine's clock; those of the database are Dates of its own.

export type Resource = 'document' | 'jwks' | 'logo'

/** One request as the origin saw it and answered it. */
export type Hit = {
  /** The number the origin gave it, which the answer's content type carries into the audit. */
  readonly number: number
  readonly clientId: string
  readonly resource: Resource
  readonly at: number
  /** The process that asked. */
  readonly fetcher: string
  /** Undefined: nobody was there any more to be answered. */
  readonly status: number | undefined
  /** Of the body, or of what a 304 confirmed. */
  readonly digest: string | undefined
  readonly bodyBytes: number
}

/** What a publisher served from an instant on; no text: it was taken down. */
export type Publication = { readonly at: number; readonly digest?: string; readonly text?: string }

/** One demand of an authorization server, called again until it was answered. */
export type Demand = {
  readonly tenant: string
  readonly clientId: string
  readonly kind: 'resolve' | 'refresh'
  /** When it was first asked. */
  readonly at: number
  /** When the call was sent that was taken: of a refresh what was fetched before does not answer it. */
  readonly takenAt: number
  /** Calls that may each have demanded a fetch. */
  readonly calls: number
  /** Tickets that were unknown when they were asked for, and when they had been issued. */
  readonly ticketsLost: readonly { readonly issuedAt: number; readonly at: number }[]
  readonly end: DemandEnd | undefined
}

export type DemandEnd = {
  readonly at: number
  readonly kind: 'ready' | 'problem'
  readonly digest?: string
  /** Of a problem, or why what is ready is stale. */
  readonly code?: string
}

/** One reception of an event: the same event may be received again. */
export type Reception = {
  readonly at: number
  readonly cursor: number
  readonly id: string
  readonly type: string
  readonly subject: string | undefined
  readonly clientseq: number | undefined
  readonly data: Readonly<Record<string, unknown>>
}

/** One request to the receiver of webhooks. */
export type WebhookReception = {
  readonly at: number
  readonly subscription: string
  readonly id: string
  readonly subject: string | undefined
  readonly clientseq: number | undefined
  /** What it was answered; undefined: nothing. */
  readonly status: number | undefined
}

/** A subscription, and which events of its tenant's feed it wants. */
export type Subscription = {
  readonly id: string
  readonly tenant: string
  readonly types?: readonly string[]
}

/** The life of one process of a service. */
export type Life = {
  readonly id: string
  readonly service: string
  readonly from: number
  readonly until: number
  readonly end: 'killed' | 'stopped' | 'by itself'
  readonly exitCode: number | undefined
  /** Its last words, where nobody ended it. */
  readonly said?: string
}

/** One turn of a fault. */
export type Turn = {
  readonly fault: string
  readonly from: number
  readonly until: number
  /** How often it struck. */
  readonly times: number
  readonly skipped?: string
  /** Whether what is written to the store may have been lost on the way. */
  readonly disturbsStore: boolean
  /** Whether processes end by it that nobody killed. */
  readonly endsServices: boolean
}

export type AttemptRow = {
  readonly clientId: string
  readonly generation: number
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly outcome: string
  readonly applied: boolean
  readonly failureCode: string | null
  /** Of the version it found or confirmed. */
  readonly digest: string | null
  readonly evidence: {
    readonly phase: string
    readonly status?: number
    readonly contentType?: string
    readonly bodyBytes: number
  }
}

export type ClientRow = {
  readonly clientId: string
  readonly wanted: number
  readonly done: number
  readonly claimed: number | null
  readonly eventSeq: number
  readonly digest: string | null
  readonly state: string
}

export type VersionRow = { readonly clientId: string; readonly digest: string; readonly body: string }

export type OutboxRow = {
  readonly id: string
  readonly clientId: string | null
  readonly clientSeq: number | null
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly relayed: boolean
}

export type FeedRow = { readonly tenant: string; readonly position: number; readonly id: string }

/** From which event of a client on a tenant hears of it. */
export type InterestRow = { readonly tenant: string; readonly clientId: string; readonly sinceSeq: number }

/** What was done for each client, while nothing more was demanded. */
export type Rest = Pick<Records, 'clients' | 'attempts'>

/** The database at the end; each list in the order of its row ids. */
export type Records = {
  readonly clients: readonly ClientRow[]
  readonly versions: readonly VersionRow[]
  readonly attempts: readonly AttemptRow[]
  readonly outbox: readonly OutboxRow[]
  readonly feed: readonly FeedRow[]
  readonly interest: readonly InterestRow[]
}

/** All that a run left behind. */
export type Evidence = {
  readonly publications: ReadonlyMap<string, readonly Publication[]>
  readonly hits: readonly Hit[]
  readonly demands: readonly Demand[]
  /** By tenant, in the order of their coming. */
  readonly received: ReadonlyMap<string, readonly Reception[]>
  readonly webhooks: {
    readonly subscriptions: readonly Subscription[]
    readonly received: readonly WebhookReception[]
  }
  readonly lives: readonly Life[]
  readonly turns: readonly Turn[]
  /** When the clock of the database was moved, and to how many seconds ahead of the machine's. */
  readonly clockSteps: readonly { readonly at: number; readonly offsetSeconds: number }[]
  /** After the last fault, before every client was demanded once more. */
  readonly rest: Rest
  readonly records: Records
}
