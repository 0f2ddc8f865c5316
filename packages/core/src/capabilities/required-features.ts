import type { ClientMetadata } from '../document/client-metadata.ts'
import type { AsMetadata } from './as-metadata.ts'
import type { CapabilityProblem } from './capability-problems.ts'

/** What a client may insist on -> how a server says that it has it. Here silence is a no, by the RFC that is named. */
const FEATURES: readonly {
  readonly member:
    | 'dpop_bound_access_tokens'
    | 'tls_client_certificate_bound_access_tokens'
    | 'require_pushed_authorization_requests'
  readonly problem: CapabilityProblem
  readonly isOffered: (server: AsMetadata) => boolean
}[] = [
  {
    // RFC 9449 section 5.1
    member: 'dpop_bound_access_tokens',
    problem: 'dpop_unsupported',
    isOffered: (server) => (server.dpop_signing_alg_values_supported ?? []).length > 0,
  },
  {
    // RFC 8705 section 3.3
    member: 'tls_client_certificate_bound_access_tokens',
    problem: 'certificate_binding_unsupported',
    isOffered: (server) => server.tls_client_certificate_bound_access_tokens === true,
  },
  {
    // RFC 9126 section 5
    member: 'require_pushed_authorization_requests',
    problem: 'pushed_requests_unsupported',
    isOffered: (server) => server.pushed_authorization_request_endpoint !== undefined,
  },
]

/**
 * The protections that a document insists on and a server does not offer: to serve the client without them would be a
 * silent downgrade (DOC-11).
 */
export function missingFeatures(document: ClientMetadata, server: AsMetadata): readonly CapabilityProblem[] {
  return FEATURES.filter(({ member, isOffered }) => document[member] === true && !isOffered(server)).map(
    ({ problem }) => problem,
  )
}
