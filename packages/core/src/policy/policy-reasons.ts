import { PROFILE_FINDINGS } from '../document/profiles.ts'

/** What a reason of a policy means, what to do about it, and the rule that it comes from. */
export type PolicyReasonFacts = { readonly summary: string; readonly advice: string; readonly rule: string }

/** Why a policy refuses or holds what is judged by itself: code -> facts. */
export const POLICY_FINDINGS = {
  blocked: {
    summary: 'The policy blocks the client_id.',
    advice: 'Ask whoever runs the authorization server to lift the block.',
    rule: 'POL-04',
  },
  not_allowed: {
    summary: 'The policy admits listed hosts alone, and this one is not listed.',
    advice: 'Ask whoever runs the authorization server to list the host.',
    rule: 'POL-02',
  },
  not_pre_registered: {
    summary: 'The policy admits clients that were registered before, and this one was not.',
    advice: 'Ask whoever runs the authorization server to register the client_id.',
    rule: 'POL-03',
  },
  port_refused: {
    summary: 'The policy does not admit the port of the client_id.',
    advice: 'Serve the document on a port that the policy names, best on 443.',
    rule: 'CID-09',
  },
  query_refused: {
    summary: 'The policy does not admit a client_id with a query.',
    advice: 'Give each document a path of its own.',
    rule: 'CID-08',
  },
  root_path_refused: {
    summary: 'The policy does not admit a client_id whose path is only a slash.',
    advice: 'Give the document a path of its own.',
    rule: 'CID-04',
  },
  content_type_text: {
    summary: 'The policy does not admit a document that is served as text/plain.',
    advice: 'Serve it as application/json.',
    rule: 'FET-08',
  },
  auth_method_refused: {
    summary: 'The policy admits none of the authentication methods that the client can use.',
    advice: 'Declare a method that the policy names, with the keys that it needs.',
    rule: 'KEY-10',
  },
  redirect_cross_host: {
    summary: 'The policy does not admit redirects to another host than that of the client_id.',
    advice: 'Redirect to the host that serves the document.',
    rule: 'RED-06',
  },
  redirect_loopback: {
    summary: 'The policy does not admit redirects to the user’s own machine.',
    advice: 'Redirect to an https URL.',
    rule: 'RED-02',
  },
  redirect_private_use: {
    summary: 'The policy does not admit redirects with a scheme of an app.',
    advice: 'Redirect to an https URL that the app claims.',
    rule: 'RED-08',
  },
  redirects_too_many: {
    summary: 'The document lists more redirect URIs than the policy admits.',
    advice: 'List fewer, or divide the client into several.',
    rule: 'RED-09',
  },
  jwks_uri_cross_host: {
    summary: 'The policy does not admit keys on another host than that of the client_id.',
    advice: 'Publish jwks, or a jwks_uri on the host that serves the document.',
    rule: 'KEY-05',
  },
  grant_types_none_left: {
    summary: 'The policy admits none of the grant types that the client asks for.',
    advice: 'Ask for a grant type that the policy names.',
    rule: 'DOC-11',
  },
  document_warning: {
    summary: 'The policy does not pass over a warning about the document.',
    advice: 'Mend what the warning names.',
    rule: 'DOC-13',
  },
  ownership_changed: {
    summary: 'The domain may have changed hands, and its present owner has not been accepted.',
    advice: 'Ask whoever runs the authorization server to look at the domain and accept its owner.',
    rule: 'CHG-05',
  },
  review_pending: {
    summary: 'The policy asks for a review, and this document has not been approved.',
    advice: 'Wait for the review, or ask whoever runs the authorization server for it.',
    rule: 'POL-01',
  },
  review_refused: {
    summary: 'Whoever runs the authorization server has looked at the client and refused it.',
    advice: 'Mend what they name, and ask them to look again.',
    rule: 'POL-01',
  },
} as const satisfies Record<string, PolicyReasonFacts>

/** Every reason there is, those of profiles among them. Codes are public, stable, and never those of failures or warnings. */
export const POLICY_REASONS: Readonly<Record<PolicyReasonCode, PolicyReasonFacts>> = {
  ...POLICY_FINDINGS,
  ...withRule(PROFILE_FINDINGS, 'DOC-13'),
}

export type PolicyReasonCode = keyof typeof POLICY_FINDINGS | keyof typeof PROFILE_FINDINGS

function withRule<Code extends string>(
  facts: Readonly<Record<Code, { readonly summary: string; readonly advice: string }>>,
  rule: string,
): Readonly<Record<Code, PolicyReasonFacts>> {
  const entries = Object.entries<{ readonly summary: string; readonly advice: string }>(facts)
  return Object.fromEntries(entries.map(([code, each]) => [code, { ...each, rule }])) as Record<
    Code,
    PolicyReasonFacts
  >
}
