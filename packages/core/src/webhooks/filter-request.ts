import { z } from 'zod'
import { CHANGE_CLASSES } from '../changes/member-change.ts'
import { EVENT_DATA, type EventType } from '../event.ts'
import { hostRule } from '../identifier/host-rules.ts'
import { presentUrl } from '../identifier/presented-url.ts'
import type { SubscriptionFilter } from './subscription-filter.ts'

/** A filter is compared with every event of its tenant. */
const LIST_LENGTH_MAX = 100

/** The filter of a subscription as it is asked for; what is absent or null excludes nothing. */
export const filterRequest = z.object({
  types: listOf(z.enum(Object.keys(EVENT_DATA) as [EventType, ...EventType[]])).describe(
    'Of events; absent or null: every type, also those that later releases add.',
  ),
  hosts: listOf(
    z.string().refine(isHostPattern, 'must be a host name in lower case, or *. and one, without a port'),
  ).describe(
    'Of clients: `app.example.com`, or `*.example.com` for all below it. Events about no client pass. Absent or null: every host.',
  ),
  change_classes: listOf(z.enum(CHANGE_CLASSES)).describe(
    'Of `client.metadata_changed`, of which one is enough; other types pass. Absent or null: every class.',
  ),
})
export type FilterRequest = z.infer<typeof filterRequest>

/** The filter that is asked for. */
export function filterOf({ types, hosts, change_classes }: FilterRequest): SubscriptionFilter {
  return { types: types ?? undefined, hosts: hosts ?? undefined, changeClasses: change_classes ?? undefined }
}

/** Whether a pattern can match the host of a client: a public DNS name as a client_id spells it, or `*.` and one. */
function isHostPattern(pattern: string): boolean {
  // One name below it stands for all.
  const host = pattern.startsWith('*.') ? `x${pattern.slice(1)}` : pattern
  const url = `https://${host}/`
  return URL.parse(url)?.hostname === host && hostRule(presentUrl(url)).length === 0
}

function listOf<Item extends z.ZodType<string>>(item: Item) {
  return z.array(item).min(1).max(LIST_LENGTH_MAX).refine(isDistinct, 'must name each once').nullish()
}

function isDistinct(items: readonly string[]): boolean {
  return new Set(items).size === items.length
}
