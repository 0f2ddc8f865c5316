import type { ClientEvent } from '../event.ts'
import { keysChanged } from '../keys/key-changes.ts'
import { type KeySet, NO_KEYS } from '../keys/key-set.ts'
import { type ClientState, isGone } from './client-record.ts'

/** A key set at one moment: its state, and what is kept of it. */
export type LinkedKeys = { readonly state: ClientState; readonly keySet: KeySet | undefined }

/** A logo at one moment: its state, and which image is kept of it. */
export type LinkedLogo = { readonly state: ClientState; readonly digest: string | undefined }

/**
 * What is announced when the key set behind a jwks_uri becomes another, ends or comes back: what is gone counts as no
 * keys (CHG-03).
 */
export function linkedKeysEvents(before: LinkedKeys, after: LinkedKeys): readonly ClientEvent[] {
  const found = isGone(after.state) ? undefined : after.keySet
  return keysChanged('jwks_uri', isGone(before.state) ? NO_KEYS : before.keySet, found ?? NO_KEYS)
}

/** What is announced when another image is shown, or none any more: nothing if it is the same (UI-04). */
export function linkedLogoEvents(before: LinkedLogo, after: LinkedLogo): readonly ClientEvent[] {
  const [from, to] = [before, after].map(({ state, digest }) => (isGone(state) ? undefined : digest))
  if (from === to) return []
  const data = {
    ...(from !== undefined && { from_digest: from }),
    ...(to !== undefined && { to_digest: to }),
  }
  return [{ type: 'client.logo_changed', data }]
}
