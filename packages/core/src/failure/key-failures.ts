import { type FailureFacts, rejected } from './failure-facts.ts'

/** Why what jwks_uri leads to is no key set that may be used (KEY-08, KEY-14). */
export const KEY_FAILURES = {
  key_set_malformed: rejected(
    'What jwks_uri leads to is no key set.',
    'Serve a JSON object with a list of public keys as its member keys (RFC 7517 section 5).',
  ),
  key_set_secret: rejected(
    'The key set behind jwks_uri holds private or symmetric key material.',
    'Publish public keys only, and replace the exposed key.',
  ),
  keys_too_many: rejected(
    'The key set behind jwks_uri lists more keys than are read.',
    'List at most 100 keys, and remove those that are retired.',
  ),
} as const satisfies Record<string, FailureFacts>
