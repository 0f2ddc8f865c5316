import type { z } from 'zod'
import type { ClientMetadata } from '../document/client-metadata.ts'
import type { AUDIT_DATA } from './audit-data.ts'
import { chainableText } from './chainable.ts'

/** What of a document an entry holds. */
export type AuditedDocument = Pick<
  z.infer<(typeof AUDIT_DATA)['resolve.decided']>,
  'redirect_uris' | 'display' | 'token_endpoint_auth_method'
>

const DISPLAYED = ['client_name', 'client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const

/** Picks from a document what a reviewer asks for first; `logoDigest` is of the image as it would be shown. */
export function auditedDocument(metadata: ClientMetadata, logoDigest?: string): AuditedDocument {
  const { redirect_uris: redirectUris, token_endpoint_auth_method: authMethod } = metadata
  const texts = DISPLAYED.flatMap((member) => {
    const value = metadata[member]
    return typeof value === 'string' ? [[member, chainableText(value)] as const] : []
  })
  const display = {
    ...Object.fromEntries(texts),
    ...(logoDigest !== undefined && { logo_digest: logoDigest }),
  }
  return {
    ...(redirectUris !== undefined && { redirect_uris: redirectUris.map(chainableText) }),
    ...(Object.keys(display).length > 0 && { display }),
    ...(authMethod !== undefined && { token_endpoint_auth_method: authMethod }),
  }
}
