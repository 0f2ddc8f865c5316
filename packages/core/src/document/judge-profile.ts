import type { Finding } from '../failure/finding.ts'
import { isHttpsUrl } from '../identifier/uri.ts'
import { canonicalJson } from '../json/json.ts'
import { judgeRedirectUri } from '../redirect/redirect-uri.ts'
import type { ClientMetadata } from './client-metadata.ts'
import { stringMember, stringsMember } from './member-types.ts'
import { PROFILES, type ProfileCode, type ProfileDemand, type ProfileId } from './profiles.ts'

/** A demand of a profile that a document does not meet. */
export type ProfileFinding = Finding<ProfileCode>

/** What a profile is asked about: a document that is valid under the draft, and how it was served. */
export type ProfileSubject = {
  readonly metadata: ClientMetadata
  /** The Content-Type; leave it out where the document was not fetched. */
  readonly contentType?: string | undefined
}

/** Every demand of a profile that a valid document does not meet, in the profile's order (DOC-13); none admits it. */
export function judgeProfile(profile: ProfileId, subject: ProfileSubject): readonly ProfileFinding[] {
  const demands: readonly ProfileDemand[] = PROFILES[profile].demands
  return demands.flatMap((demand) => judge(demand, subject))
}

function judge(demand: ProfileDemand, { metadata, contentType }: ProfileSubject): readonly ProfileFinding[] {
  const { rule } = demand
  switch (demand.kind) {
    case 'members':
      return demand.members
        .filter((member) => isAbsent(metadata, member))
        .map((member) => ({ code: 'profile_member_missing', rule, member, detail: 'is absent or empty' }))
    case 'value':
      return judgeValue(demand, metadata)
    case 'includes':
      return judgeItem(demand, metadata)
    case 'redirects':
      return redirects(metadata, rule, 'profile_redirect_kind', (uri) => {
        const { kind } = judgeRedirectUri(uri)
        return demand.kinds.some((permitted) => permitted === kind) ? undefined : `is ${kind}`
      })
    case 'redirect_origin':
      return judgeRedirectOrigin(metadata, rule)
    case 'redirect_scheme':
      return judgeRedirectScheme(metadata, rule)
    case 'same_host':
      return uriFindings(
        metadata,
        demand,
        'profile_host',
        (uri) => URL.parse(uri)?.hostname === hostOf(metadata),
      )
    case 'https':
      return uriFindings(metadata, demand, 'profile_https', isHttpsUrl)
    case 'no_port':
      return new URL(metadata.client_id).port === ''
        ? []
        : [{ code: 'profile_port', rule, member: 'client_id', detail: 'names a port' }]
    case 'content_type':
      return judgeContentType(demand, contentType)
  }
}

type Demand<Kind extends ProfileDemand['kind']> = Extract<ProfileDemand, { kind: Kind }>

function isAbsent(metadata: ClientMetadata, member: string): boolean {
  const value = metadata[member]
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}

function judgeValue(
  { rule, member, value }: Demand<'value'>,
  metadata: ClientMetadata,
): readonly ProfileFinding[] {
  const found = metadata[member]
  if (canonicalJson(found ?? null) === canonicalJson(value)) return []
  return [{ code: 'profile_member_value', rule, member, detail: `is not ${canonicalJson(value)}` }]
}

function judgeItem(
  { rule, member, item }: Demand<'includes'>,
  metadata: ClientMetadata,
): readonly ProfileFinding[] {
  const items = stringsMember(metadata, member) ?? stringMember(metadata, member)?.split(' ') ?? []
  if (items.includes(item)) return []
  return [{ code: 'profile_member_value', rule, member, detail: `does not include ${item}` }]
}

function redirects(
  metadata: ClientMetadata,
  rule: string,
  code: ProfileCode,
  flawOf: (uri: string) => string | undefined,
): readonly ProfileFinding[] {
  const member = 'redirect_uris'
  return (metadata.redirect_uris ?? []).flatMap((uri, index) => {
    const detail = flawOf(uri)
    return detail === undefined ? [] : [{ code, rule, member, pointer: `/${member}/${index}`, detail }]
  })
}

// Installed apps may claim an https redirect of another host (RFC 8252 section 7.2).
function judgeRedirectOrigin(metadata: ClientMetadata, rule: string): readonly ProfileFinding[] {
  if (metadata.application_type === 'native') return []
  const { origin } = new URL(metadata.client_id)
  return redirects(metadata, rule, 'profile_redirect_origin', (uri) =>
    judgeRedirectUri(uri).kind !== 'https' || URL.parse(uri)?.origin === origin
      ? undefined
      : `is not on ${origin}`,
  )
}

function judgeRedirectScheme(metadata: ClientMetadata, rule: string): readonly ProfileFinding[] {
  const scheme = hostOf(metadata).split('.').toReversed().join('.')
  return redirects(metadata, rule, 'profile_redirect_scheme', (uri) =>
    judgeRedirectUri(uri).kind !== 'private_use' || hasPathOfScheme(uri, scheme)
      ? undefined
      : `does not begin with ${scheme}: and a single slash`,
  )
}

// A second slash would begin an authority, which a private-use scheme does not have (RFC 8252 section 7.1).
function hasPathOfScheme(uri: string, scheme: string): boolean {
  return uri.startsWith(`${scheme}:/`) && !uri.startsWith(`${scheme}://`)
}

function uriFindings(
  metadata: ClientMetadata,
  { rule, members }: Demand<'same_host' | 'https'>,
  code: ProfileCode,
  isPermitted: (uri: string) => boolean,
): readonly ProfileFinding[] {
  return members.flatMap((member) => {
    const uri = stringMember(metadata, member)
    if (uri === undefined || isPermitted(uri)) return []
    return [{ code, rule, member, detail: code === 'profile_host' ? 'is on another host' : 'is not https' }]
  })
}

function judgeContentType(
  { rule, type }: Demand<'content_type'>,
  contentType: string | undefined,
): readonly ProfileFinding[] {
  if (contentType === undefined || contentType.split(';', 1)[0]?.trim().toLowerCase() === type) return []
  return [{ code: 'profile_content_type', rule, detail: `is not served as ${type}` }]
}

function hostOf(metadata: ClientMetadata): string {
  return new URL(metadata.client_id).hostname
}
