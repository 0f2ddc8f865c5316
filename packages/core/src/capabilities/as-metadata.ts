import { z } from 'zod'

const names = z.array(z.string())

// RFC 8414 section 2: what is left out has a default, or says nothing. Members we do not read are ignored.
const schema = z.looseObject({
  issuer: z.string().optional(),
  grant_types_supported: names.default(['authorization_code', 'implicit']),
  response_types_supported: names,
  // Of RFC 8414's default, client_secret_basic, no client of this kind can make use (KEY-09).
  token_endpoint_auth_methods_supported: names.default(['client_secret_basic']),
  token_endpoint_auth_signing_alg_values_supported: names.optional(),
  scopes_supported: names.optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
})

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
