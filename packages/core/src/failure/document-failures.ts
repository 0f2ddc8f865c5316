import { type FailureFacts, rejected } from './failure-facts.ts'

/** Why bytes are not the client metadata document of an identifier (DOC-01 to DOC-16, KEY-*, RED-*). */
export const DOCUMENT_FAILURES = {
  encoding_invalid: rejected('The document is not UTF-8.', 'Save the document as UTF-8.'),
  byte_order_mark: rejected(
    'The document begins with a byte order mark.',
    'Save the document as UTF-8 without a byte order mark.',
  ),
  json_invalid: rejected('The document is not JSON.', 'Check the document with a JSON parser.'),
  json_not_object: rejected('The document is JSON but not an object.', 'The top level must be an object.'),
  json_too_deep: rejected('The document is nested too deeply.', 'Flatten the document.'),
  json_unstorable: rejected(
    'The document holds a value that cannot be kept faithfully.',
    'Avoid the NUL character, lone surrogates and numbers out of range.',
  ),
  duplicate_member: rejected('A member name occurs twice in one object.', 'Give every member once.'),
  client_id_missing: rejected(
    'The document has no client_id.',
    'Add client_id with exactly the URL of the document.',
  ),
  client_id_mismatch: rejected(
    'The client_id in the document is not the URL it was fetched from.',
    'Make client_id equal, character by character, to the URL of the document.',
  ),
  forbidden_member: rejected(
    'The document holds a member that must not appear.',
    'Remove client_secret and client_secret_expires_at.',
  ),
  symmetric_method: rejected(
    'The document asks for an authentication method based on a shared secret.',
    'Use none, private_key_jwt or another method without a shared secret.',
  ),
  symmetric_algorithm: rejected(
    'The document asks for an algorithm whose key is a shared secret, or for none.',
    'Use an asymmetric algorithm such as ES256 or RS256, and ECDH-ES or RSA-OAEP-256 for encryption.',
  ),
  private_key: rejected(
    'The document holds private or symmetric key material.',
    'Publish public keys only, and replace the exposed key.',
  ),
  keys_ambiguous: rejected('The document has both jwks and jwks_uri.', 'Keep one of the two.'),
  member_type: rejected(
    'A member has the wrong JSON type.',
    'Give every member the type its registry entry names.',
  ),
  redirect_uris_missing: rejected(
    'A grant that uses redirects is declared without redirect_uris.',
    'List at least one redirect URI.',
  ),
  redirect_uris_too_many: rejected(
    'The document lists more redirect URIs than are read.',
    'List at most 100 redirect URIs.',
  ),
  redirect_uri_not_absolute: rejected(
    'A redirect URI is not an absolute URI.',
    'Write the whole URI: scheme, host and path.',
  ),
  redirect_uri_character: rejected(
    'A redirect URI holds a character that no URI may hold.',
    'Percent-encode the character.',
  ),
  redirect_uri_fragment: rejected(
    'A redirect URI has a fragment.',
    'Remove the # and what follows it: the response would be lost in it.',
  ),
  redirect_uri_wildcard: rejected(
    'A redirect URI holds a wildcard.',
    'List every redirect URI in full: they are compared character by character, loopback ports excepted.',
  ),
  redirect_uri_scheme: rejected(
    'A redirect URI has a scheme that runs script, reads local data or opens no page.',
    'Use https, loopback http, or a private-use scheme.',
  ),
  redirect_uri_http: rejected(
    'A redirect URI is http on a host that is not loopback.',
    'Use https, or http on 127.0.0.1, [::1] or localhost.',
  ),
  uri_member_invalid: rejected(
    'A URI member is not an absolute https URL.',
    'Use https for all linked resources.',
  ),
} as const satisfies Record<string, FailureFacts>
