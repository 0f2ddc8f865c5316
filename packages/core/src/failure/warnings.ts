/** What follows from a warning: nothing is refused, but the publisher may want to mend it. */
export type WarningFacts = { readonly summary: string; readonly advice: string }

/**
 * What a publisher may want to mend although the identifier or document is accepted (DOC-10, DOC-11). Codes are
 * public, stable, and never equal to a failure code.
 */
export const WARNINGS = {
  url_root_path: {
    summary: 'The path of the client_id is only "/", which the draft does not recommend.',
    advice: 'Give the document a path of its own: other servers refuse the root.',
  },
  url_query: {
    summary: 'The client_id has a query, which the draft advises against.',
    advice: 'Give each document a path of its own.',
  },
  member_empty: {
    summary: 'A member is an empty string or null, which is read as if it were absent.',
    advice: 'Remove the member or give it a value.',
  },
  member_ignored: {
    summary: 'A member is not in the form we know, so it is ignored.',
    advice: 'Give it the form its specification names.',
  },
  registration_member: {
    summary: 'A member of a registration response has no meaning in a published document.',
    advice: 'Remove it: it is ignored.',
  },
  expiry_unsupported: {
    summary: 'client_id_expires_at is no more than a note in the draft, and nothing expires by it.',
    advice: 'Take the document down when the client ends.',
  },
  grant_response_mismatch: {
    summary: 'grant_types and response_types do not fit together.',
    advice:
      'List authorization_code for every response type with code, and implicit for every one with token or id_token.',
  },
  application_type_unknown: {
    summary: 'application_type is neither web nor native.',
    advice: 'Use one of the two, or leave it out.',
  },
  auth_method_absent: {
    summary: 'No authentication method is declared, which is read as none.',
    advice:
      'Declare token_endpoint_auth_method: elsewhere the default is client_secret_basic, which nobody can use.',
  },
  auth_method_unlisted: {
    summary: 'token_endpoint_auth_method is none of token_endpoint_auth_methods_supported.',
    advice: 'List it among them.',
  },
  keys_missing: {
    summary: 'Authentication with a key is declared, and no key to verify it with.',
    advice: 'Publish jwks_uri or jwks with at least one public key.',
  },
  key_unusable: {
    summary: 'A key of jwks lacks what its type needs, so it cannot be used.',
    advice: 'Give kty and the public members of that type, and every kid once.',
  },
  software_statement_unreadable: {
    summary: 'software_statement is not a JWT that can be read.',
    advice: 'Publish a signed JWT in compact form, or leave it out.',
  },
  uri_not_https: {
    summary: 'A URI member is not an absolute https URL, so it is not shown or followed.',
    advice: 'Use an absolute https URL.',
  },
  redirect_localhost: {
    summary: 'A redirect URI uses localhost, which a hosts file can point elsewhere.',
    advice: 'Prefer 127.0.0.1 and [::1].',
  },
  redirect_loopback_web: {
    summary: 'A web client lists a loopback redirect, whose port is then compared as written.',
    advice: 'Say application_type native for an installed app.',
  },
  redirect_private_use_web: {
    summary: 'A web client lists a redirect with a private-use scheme.',
    advice: 'Say application_type native for an installed app.',
  },
  redirect_scheme_undotted: {
    summary: 'A private-use redirect scheme is not a reversed domain name, so others may claim it.',
    advice: 'Use a scheme such as com.example.app.',
  },
  redirect_userinfo: {
    summary: 'A redirect URI has a userinfo component, which makes its host easy to misread.',
    advice: 'Remove it.',
  },
} as const satisfies Record<string, WarningFacts>

export type WarningCode = keyof typeof WARNINGS
