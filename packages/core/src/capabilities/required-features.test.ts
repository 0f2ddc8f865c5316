import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { parseAsMetadata } from './as-metadata.ts'
import { missingFeatures } from './required-features.ts'

function missing(members: object, server: object) {
  const parsed = parseAsMetadata({ response_types_supported: ['code'], ...server })
  if (!parsed.ok) throw new Error(parsed.problems.join('; '))
  // The cast leaves out the members that are not read.
  return missingFeatures({ client_id: 'https://a.example/c', ...members } as ClientMetadata, parsed.metadata)
}

describe('missingFeatures', () => {
  it.each<[string, string, object[], object]>([
    [
      'dpop_unsupported',
      'dpop_bound_access_tokens',
      [{}, { dpop_signing_alg_values_supported: [] }],
      { dpop_signing_alg_values_supported: ['ES256'] },
    ],
    [
      'certificate_binding_unsupported',
      'tls_client_certificate_bound_access_tokens',
      [{}, { tls_client_certificate_bound_access_tokens: false }],
      { tls_client_certificate_bound_access_tokens: true },
    ],
    [
      'pushed_requests_unsupported',
      'require_pushed_authorization_requests',
      [{}],
      { pushed_authorization_request_endpoint: 'https://as.example/par' },
    ],
  ])('DOC-11: has the problem %s where %s is true and not offered', (problem, member, without, offering) => {
    for (const server of without) {
      expect(missing({ [member]: true }, server)).toEqual([problem])
      expect(missing({ [member]: false }, server)).toEqual([])
      expect(missing({}, server)).toEqual([])
    }
    expect(missing({ [member]: true }, offering)).toEqual([])
  })
})
