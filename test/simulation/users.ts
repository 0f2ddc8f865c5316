import { type ResolveDeps, resolveClient } from '@cimd/api'
import type { Authenticated } from '@cimd/store'
import type { VirtualClock } from './clock.ts'
import { lastGuest } from './documents.ts'
import type { ResolveAnswer } from './evidence.ts'
import type { Client } from './population.ts'

// Far longer than any fetch here: who waits is woken by its end.
const WAIT_MS = 20_000

type Asking = { readonly api: ResolveDeps; readonly clock: VirtualClock; readonly caller: Authenticated }

/** One login: the authorization server resolves the client, and asks for a redirect URI where they come and go. */
export async function ask(
  { api, clock, caller }: Asking,
  client: Client,
): Promise<Omit<ResolveAnswer, 'tenant'>> {
  const from = clock.now()
  const redirectUri = lastGuest(client, from)
  const answer = await resolveClient(api, caller, {
    ...{ client_id: client.clientId, purpose: 'authorize', subject: 'somebody', wait_ms: WAIT_MS },
    ...(redirectUri !== undefined && { redirect_uri: redirectUri }),
  })
  const span = { from, until: clock.now() }
  if (answer.kind === 'pending') return { ...span, kind: 'pending' }
  if (answer.kind === 'problem') return { ...span, kind: 'problem', code: answer.problem.code }
  const { digest, freshness, redirect_match: match } = answer.body
  return {
    ...{ ...span, kind: 'ready', digest, freshness: freshness.state },
    ...(freshness.why !== undefined && { why: freshness.why }),
    ...(match && redirectUri !== undefined && { redirect: { uri: redirectUri, matched: match.matched } }),
  }
}
