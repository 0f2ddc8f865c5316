import type { ChangeClass } from '../changes/member-change.ts'

/** Which events of its tenant a subscription wants; what is absent excludes nothing. */
export type SubscriptionFilter = {
  readonly types?: readonly string[] | undefined
  /** Of clients: `app.example.com`, or `*.example.com` for all below it. Events about no client pass. */
  readonly hosts?: readonly string[] | undefined
  /** Of changes of a document, of which one is enough; other types of events pass. */
  readonly changeClasses?: readonly ChangeClass[] | undefined
}

/** What of an event decides who wants it. */
export type FilteredEvent = {
  readonly type: string
  /** Undefined where it is about no client. */
  readonly clientId: string | undefined
  readonly data: unknown
}

/** Whether a subscription wants an event. What cannot be told passes: an event too many is better than one lost. */
export function isWanted(filter: SubscriptionFilter, event: FilteredEvent): boolean {
  const { types, hosts, changeClasses } = filter
  if (types !== undefined && !types.includes(event.type)) return false
  if (hosts !== undefined && !isOfHosts(hosts, event.clientId)) return false
  return changeClasses === undefined || isOfClasses(changeClasses, event)
}

function isOfHosts(patterns: readonly string[], clientId: string | undefined): boolean {
  const host = clientId === undefined ? undefined : URL.parse(clientId)?.hostname
  return host === undefined || patterns.some((pattern) => matchesHost(pattern, host))
}

// The dot belongs to what is compared: `*.example.com` is not `evilexample.com`.
function matchesHost(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern
}

function isOfClasses(wanted: readonly ChangeClass[], { type, data }: FilteredEvent): boolean {
  if (type !== 'client.metadata_changed') return true
  const classes = (data as { readonly classes?: unknown }).classes
  return !Array.isArray(classes) || wanted.some((one) => classes.includes(one))
}
