import { createHash, type X509Certificate } from 'node:crypto'
import type { FetchEvidence } from '@cimd/core'

/** What of a certificate shows in whose hands a domain is (CHG-05). */
export type CertificateIdentity = Pick<FetchEvidence, 'certificateIssuer' | 'certificateKeySha256'>

const ISSUER_CHARACTERS_MAX = 200

/**
 * Of a certificate that was verified: its issuer's organization, since intermediates rotate and their names with them, or its
 * common name where it has none; and the sha-256 of its SubjectPublicKeyInfo, hex.
 */
export function identityOf(certificate: X509Certificate): CertificateIdentity {
  const issuer = attributeOf(certificate.issuer, 'O') ?? attributeOf(certificate.issuer, 'CN')
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return {
    ...(issuer !== undefined && { certificateIssuer: issuer }),
    certificateKeySha256: createHash('sha256').update(key).digest('hex'),
  }
}

// Node writes an attribute to a line and escapes line ends in values.
function attributeOf(name: string | undefined, attribute: string): string | undefined {
  const line = name?.split('\n').find((each) => each.startsWith(`${attribute}=`))
  const value = line?.slice(attribute.length + 1).replaceAll(/\p{C}/gu, '')
  return value === undefined || value === ''
    ? undefined
    : value.slice(0, ISSUER_CHARACTERS_MAX).toWellFormed()
}
