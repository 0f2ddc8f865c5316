import { type CloudEvent, toCloudEvent } from '@cimd/core'
import type { FeedEvent } from '@cimd/store'

/** An event of the feed as it is told there: its envelope, and the cursor to go on after it. */
export function toldEvent(event: FeedEvent, source: string): CloudEvent & { readonly cursor: string } {
  return { ...toCloudEvent(event, source), cursor: String(event.position) }
}
