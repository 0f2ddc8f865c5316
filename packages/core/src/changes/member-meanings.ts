import { baseMember, type KnownMembers } from '../document/member-types.ts'
import { compareAuthMethod, compareAuthMethods } from './compare-auth-methods.ts'
import {
  compareGrantTypes,
  compareItemsAs,
  compareKeySet,
  comparePermissions,
  compareResponseTypes,
  compareScope,
} from './compare-sets.ts'
import {
  compareAcrValues,
  compareApplicationType,
  compareAs,
  compareMaxAge,
  comparePresence,
  compareSubjectType,
  compareSwitch,
} from './compare-values.ts'
import type { Compare } from './member-change.ts'

const keys = compareAs('keys')
const algorithms = compareItemsAs('keys')
const display = compareAs('display')
const widening = compareAs('widening')
const cosmetic = compareAs('cosmetic')
const requirement = compareSwitch('narrowing')
const entitlement = compareSwitch('widening')

/**
 * What each member of the registry means when it changes (CHG-01, CHG-07, DOC-04). The type demands that no member
 * whose JSON type we know is forgotten: without an entry its changes would be announced to nobody.
 */
export const MEANINGS: Readonly<Record<string, Compare>> = {
  application_type: compareApplicationType,
  authorization_details_types: comparePermissions,
  authorization_encrypted_response_alg: keys,
  authorization_encrypted_response_enc: keys,
  authorization_signed_response_alg: keys,
  backchannel_authentication_request_signing_alg: keys,
  // Another place learns of users' sign-ins.
  backchannel_client_notification_endpoint: comparePresence,
  // With true the place is told the identifier of the session too.
  backchannel_logout_session_required: entitlement,
  backchannel_logout_uri: comparePresence,
  backchannel_token_delivery_mode: widening,
  backchannel_token_delivery_modes_supported: comparePermissions,
  // The user's code keeps strangers from starting a sign-in at the user's device.
  backchannel_user_code_parameter: requirement,
  claims_redirect_uris: comparePermissions,
  // Two documents of one client share it. Should two clients be compared, none of what was allowed carries over (CHG-04).
  client_id: widening,
  client_name: display,
  client_registration_types: comparePermissions,
  client_uri: display,
  contacts: compareItemsAs('display'),
  default_acr_values: compareAcrValues,
  default_max_age: compareMaxAge,
  description: display,
  dpop_bound_access_tokens: requirement,
  frontchannel_logout_session_required: entitlement,
  frontchannel_logout_uri: comparePresence,
  grant_types: compareGrantTypes,
  id_token_encrypted_response_alg: keys,
  id_token_encrypted_response_enc: keys,
  id_token_signed_response_alg: keys,
  information_uri: display,
  initiate_login_uri: comparePresence,
  introspection_encrypted_response_alg: keys,
  introspection_encrypted_response_enc: keys,
  introspection_signed_response_alg: keys,
  jwks: compareKeySet,
  jwks_uri: keys,
  keywords: compareItemsAs('display'),
  logo_uri: display,
  nfv_token_encrypted_response_alg: keys,
  nfv_token_encrypted_response_enc: keys,
  nfv_token_signed_response_alg: keys,
  organization_name: display,
  organization_uri: display,
  policy_uri: display,
  post_logout_redirect_uris: comparePermissions,
  redirect_uris: comparePermissions,
  request_object_encryption_alg: keys,
  request_object_encryption_enc: keys,
  request_object_signing_alg: keys,
  request_uris: comparePermissions,
  require_auth_time: requirement,
  require_pushed_authorization_requests: requirement,
  require_signed_request_object: requirement,
  response_types: compareResponseTypes,
  scope: compareScope,
  // It decides which clients see the same pairwise subject; without it only the client's own host does.
  sector_identifier_uri: comparePresence,
  signed_jwks_uri: keys,
  // What the client says of itself: nothing is granted by it, and whoever tracks releases wants to hear of it.
  software_id: display,
  software_version: display,
  // Its claims override plain members, and only the authorization server can read them (DOC-15).
  software_statement: widening,
  subject_type: compareSubjectType,
  subject_types_supported: comparePermissions,
  tls_client_auth_san_dns: keys,
  tls_client_auth_san_email: keys,
  tls_client_auth_san_ip: keys,
  tls_client_auth_san_uri: keys,
  tls_client_auth_subject_dn: keys,
  tls_client_certificate_bound_access_tokens: requirement,
  token_endpoint_auth_method: compareAuthMethod,
  token_endpoint_auth_methods_supported: compareAuthMethods,
  token_endpoint_auth_signing_alg: keys,
  tos_uri: display,
  use_mtls_endpoint_aliases: requirement,
  userinfo_encrypted_response_alg: keys,
  userinfo_encrypted_response_enc: keys,
  userinfo_signed_response_alg: keys,
  vp_formats_supported: keys,
} satisfies Readonly<Record<keyof KnownMembers, Compare>> & Readonly<Record<string, Compare>>

// OpenID Connect Relying Party Metadata Choices has a plural for every algorithm, all of one pattern.
const ALGORITHM_CHOICES = /_(?:alg|enc)_values_supported$/

/** How a member is compared. A localised one is compared as its base, and one that we do not know means nothing (DOC-10, DOC-17). */
export function meaningOf(member: string): Compare {
  const base = baseMember(member)
  const known = Object.hasOwn(MEANINGS, base) ? MEANINGS[base] : undefined
  return known ?? (ALGORITHM_CHOICES.test(base) ? algorithms : cosmetic)
}
