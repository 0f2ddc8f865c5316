import { findingsAmong } from '../failure/finding.ts'
import { judgeRedirectUri } from '../redirect/redirect-uri.ts'
import type { PolicyDocument } from './judge-document.ts'
import type { PolicyReasonCode } from './policy-reasons.ts'
import type { TrustPolicy } from './policy-schema.ts'
import { type PolicyReason, refusal } from './policy-verdict.ts'

const MEMBER = 'redirect_uris'

/** What a policy has against the redirect URIs of a document (RED-02, RED-06, RED-08, RED-09); of each kind the first few. */
export function judgeRedirects(
  { redirects }: TrustPolicy,
  { clientId, metadata }: PolicyDocument,
): readonly PolicyReason[] {
  const uris = metadata.redirect_uris ?? []
  const { hostname } = new URL(clientId)
  const flawed = (code: PolicyReasonCode, at: string, detail: string, isFlawed: (uri: string) => boolean) =>
    findingsAmong(uris, (uri, index) =>
      isFlawed(uri)
        ? refusal(code, `/redirects/${at}`, `Entry ${index} ${detail}.`, place(index))
        : undefined,
    )
  return [
    ...(redirects.cross_host === 'allow'
      ? []
      : flawed('redirect_cross_host', 'cross_host', `is not on ${hostname}`, (uri) => leaves(hostname, uri))),
    ...(redirects.loopback === 'allow'
      ? []
      : flawed('redirect_loopback', 'loopback', 'is on loopback', (uri) => kindOf(uri) === 'loopback')),
    ...(redirects.private_use === 'allow'
      ? []
      : flawed(
          'redirect_private_use',
          'private_use',
          'has a private-use scheme',
          (uri) => kindOf(uri) === 'private_use',
        )),
    ...tooMany(redirects.max_count, uris.length),
  ]
}

// The host is that which a browser would go to: whatever stands before an @ is none.
function leaves(hostname: string, uri: string): boolean {
  const kind = kindOf(uri)
  return kind !== 'loopback' && kind !== 'private_use' && URL.parse(uri)?.hostname !== hostname
}

function kindOf(uri: string): ReturnType<typeof judgeRedirectUri>['kind'] {
  return judgeRedirectUri(uri).kind
}

function place(index: number) {
  return { member: MEMBER, pointer: `/${MEMBER}/${index}` }
}

function tooMany(maxCount: number | null, count: number): readonly PolicyReason[] {
  if (maxCount === null || count <= maxCount) return []
  const detail = `There are ${count} redirect URIs, of which ${maxCount} are admitted.`
  return [refusal('redirects_too_many', '/redirects/max_count', detail, { member: MEMBER })]
}
