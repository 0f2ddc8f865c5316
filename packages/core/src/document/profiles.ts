import type { JsonValue } from '../json/json.ts'

/** A way in which a profile asks more of a client than the draft does: a small vocabulary, read by `judgeProfile`. */
export type ProfileDemand =
  /** The members are there and not empty. */
  | { readonly kind: 'members'; readonly rule: string; readonly members: readonly string[] }
  /** The member has exactly this value. */
  | { readonly kind: 'value'; readonly rule: string; readonly member: string; readonly value: JsonValue }
  /** The list, or the blank-separated string, has this item. */
  | { readonly kind: 'includes'; readonly rule: string; readonly member: string; readonly item: string }
  /** Every redirect URI is of one of these kinds. */
  | { readonly kind: 'redirects'; readonly rule: string; readonly kinds: readonly RedirectKind[] }
  /** Every https redirect URI of a web client has the origin of the client_id. */
  | { readonly kind: 'redirect_origin'; readonly rule: string }
  /** A private-use redirect scheme is the host of the client_id, reversed. */
  | { readonly kind: 'redirect_scheme'; readonly rule: string }
  /** The URI members, where present, name the host of the client_id. */
  | { readonly kind: 'same_host'; readonly rule: string; readonly members: readonly string[] }
  /** The URI members, where present, are https. */
  | { readonly kind: 'https'; readonly rule: string; readonly members: readonly string[] }
  /** The client_id names no port. */
  | { readonly kind: 'no_port'; readonly rule: string }
  /** The media type is exactly this one. */
  | { readonly kind: 'content_type'; readonly rule: string; readonly type: string }

export type RedirectKind = 'https' | 'loopback' | 'private_use'

/** A named set of demands on top of the draft (DOC-13). A new version of a specification is a new entry. */
export type Profile = {
  readonly title: string
  /** The specification that makes the demands. */
  readonly source: string
  readonly demands: readonly ProfileDemand[]
}

/**
 * The profiles a tenant may choose from (DOC-13). A profile is asked about a document that is valid already and is a
 * matter of admission: it never changes what is stored (POL-05).
 */
export const PROFILES = {
  'cimd-02': {
    title: 'The draft itself',
    source: 'draft-ietf-oauth-client-id-metadata-document-02',
    demands: [],
  },
  'mcp-2026-07-28': {
    title: 'Model Context Protocol',
    source: 'Model Context Protocol, revision 2026-07-28, Authorization',
    demands: [
      { kind: 'members', rule: 'MCP-04', members: ['client_name', 'redirect_uris'] },
      { kind: 'redirects', rule: 'RED-07', kinds: ['https', 'loopback'] },
    ],
  },
  atproto: {
    title: 'AT Protocol',
    source: 'AT Protocol, OAuth profile',
    demands: [
      { kind: 'no_port', rule: 'CID-09' },
      { kind: 'content_type', rule: 'FET-07', type: 'application/json' },
      {
        kind: 'members',
        rule: 'DOC-13',
        members: ['grant_types', 'response_types', 'scope', 'redirect_uris'],
      },
      { kind: 'includes', rule: 'DOC-13', member: 'grant_types', item: 'authorization_code' },
      { kind: 'includes', rule: 'DOC-13', member: 'response_types', item: 'code' },
      { kind: 'includes', rule: 'DOC-13', member: 'scope', item: 'atproto' },
      { kind: 'value', rule: 'DOC-13', member: 'dpop_bound_access_tokens', value: true },
      { kind: 'redirect_origin', rule: 'RED-06' },
      { kind: 'redirect_scheme', rule: 'RED-08' },
      { kind: 'same_host', rule: 'UI-09', members: ['client_uri'] },
      { kind: 'https', rule: 'FET-19', members: ['logo_uri', 'policy_uri', 'tos_uri'] },
    ],
  },
} as const satisfies Record<string, Profile>

export type ProfileId = keyof typeof PROFILES

/** The profile of a tenant that chose none. */
export const DEFAULT_PROFILE: ProfileId = 'cimd-02'

/** Whether a text names a profile (DOC-13). */
export function isProfileId(text: string): text is ProfileId {
  return Object.hasOwn(PROFILES, text)
}

/**
 * Why a profile does not admit a valid document: code -> what it means and what to do. Disjoint from the failure
 * and warning codes.
 */
export const PROFILE_FINDINGS = {
  profile_member_missing: {
    summary: 'The profile requires a member that is absent or empty.',
    advice: 'Add the member.',
  },
  profile_member_value: {
    summary: 'The profile requires another value of a member.',
    advice: 'Give the member the value that the profile names.',
  },
  profile_redirect_kind: {
    summary: 'The profile does not permit a redirect URI of this kind.',
    advice: 'Use the kinds of redirect URI that the profile names.',
  },
  profile_redirect_origin: {
    summary: 'The profile requires redirect URIs of a web client on the origin of the client_id.',
    advice: 'Redirect to the host that serves the document, or say application_type native.',
  },
  profile_redirect_scheme: {
    summary: 'The profile requires a private-use scheme to be the reversed host of the client_id.',
    advice: 'For app.example.com use com.example.app:/ and a path.',
  },
  profile_host: {
    summary: 'The profile requires this URI on the host of the client_id.',
    advice: 'Link to a page on the host that serves the document.',
  },
  profile_https: {
    summary: 'The profile requires this URI to be https.',
    advice: 'Use an absolute https URL.',
  },
  profile_port: {
    summary: 'The profile does not permit a port in the client_id.',
    advice: 'Serve the document on the default port.',
  },
  profile_content_type: {
    summary: 'The profile requires another Content-Type.',
    advice: 'Serve the document with the Content-Type that the profile names.',
  },
} as const satisfies Record<string, { readonly summary: string; readonly advice: string }>

export type ProfileCode = keyof typeof PROFILE_FINDINGS
