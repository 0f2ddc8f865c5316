import { z } from 'zod'

const names = z.array(z.string())
const listed = names.optional()

// RFC 8414 section 2: what is left out has a default, or says nothing. Members we do not read are ignored.
const members = z.looseObject({
  issuer: z.string().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
  response_types_supported: names,
  grant_types_supported: names.default(['authorization_code', 'implicit']),
  // Of RFC 8414's default, client_secret_basic, no client of this kind can make use (KEY-09).
  token_endpoint_auth_methods_supported: names.default(['client_secret_basic']),
  token_endpoint_auth_signing_alg_values_supported: listed,
  scopes_supported: listed,
  // RFC 8705 section 3.3, RFC 9126 section 5, RFC 9396 section 10, RFC 9449 section 5.1.
  tls_client_certificate_bound_access_tokens: z.boolean().optional(),
  pushed_authorization_request_endpoint: z.string().optional(),
  authorization_details_types_supported: listed,
  dpop_signing_alg_values_supported: listed,
  // OpenID Connect Discovery section 3.
  acr_values_supported: listed,
  subject_types_supported: listed,
  id_token_signing_alg_values_supported: listed,
  id_token_encryption_alg_values_supported: listed,
  id_token_encryption_enc_values_supported: listed,
  userinfo_signing_alg_values_supported: listed,
  userinfo_encryption_alg_values_supported: listed,
  userinfo_encryption_enc_values_supported: listed,
  request_object_signing_alg_values_supported: listed,
  request_object_encryption_alg_values_supported: listed,
  request_object_encryption_enc_values_supported: listed,
  // RFC 9701 section 7, JARM section 4, OpenID Connect CIBA section 4.
  introspection_signing_alg_values_supported: listed,
  introspection_encryption_alg_values_supported: listed,
  introspection_encryption_enc_values_supported: listed,
  authorization_signing_alg_values_supported: listed,
  authorization_encryption_alg_values_supported: listed,
  authorization_encryption_enc_values_supported: listed,
  backchannel_token_delivery_modes_supported: listed,
  backchannel_authentication_request_signing_alg_values_supported: listed,
})

const schema = z.preprocess(withoutNulls, members)

/** The metadata of an authorization server as far as it decides what a client can use (RFC 8414 section 2). */
export type AsMetadata = z.infer<typeof schema>

export type AsMetadataResult =
  | { readonly ok: true; readonly metadata: AsMetadata }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads authorization server metadata, with the defaults of RFC 8414; every problem is told at once. */
export function parseAsMetadata(value: unknown): AsMetadataResult {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, metadata: parsed.data }
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the document'}: ${message}`,
  )
  return { ok: false, problems }
}

// Some servers write a list that they do not have as null; it counts as absent, as in a client's document.
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
}
