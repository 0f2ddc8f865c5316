import { type ConsentDisplay, consentDisplay, type Reputation } from '@cimd/core'
import type { Answer } from './answer.ts'
import type { Asked } from './asked.ts'

/** Whether an answer leads to a consent page. */
export function isForConsent({ purpose }: Pick<Asked, 'purpose'>): boolean {
  return purpose === 'authorize' || purpose === 'par'
}

/** What to show before consent to the client of an answer (UI-01 to UI-09). */
export function displayOf(
  { basis, body }: Extract<Answer, { readonly kind: 'ready' }>,
  { redirectUri, languages }: Pick<Asked, 'redirectUri' | 'languages'>,
  reputation: Reputation,
): ConsentDisplay {
  const { clientId, view, metadata } = basis
  return consentDisplay({
    ...{ clientId, metadata, reputation, languages, now: view.now },
    // What the document does not list leads nowhere, so nothing of it is shown.
    redirectUri: body.redirect_match?.matched ? redirectUri : undefined,
    logoUrl: body.logo?.status === 'ready' ? body.logo.url : undefined,
    changes: view.reputation?.changes.flatMap(({ members, at }) => members.map((member) => ({ member, at }))),
    heldMembers: body.effective?.held.map(({ member }) => member),
    stale: body.freshness.state !== 'fresh',
  })
}
