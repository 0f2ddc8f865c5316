import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Attempt } from './attempt.ts'
import { type CertificateIdentity, identityOf } from './certificate-identity.ts'
import { FetchError } from './fetch-error.ts'

/**
 * The trust of all handshakes. `ca` is always explicit, because only then is NODE_EXTRA_CA_CERTS ignored; parsed once,
 * because it holds some 150 certificates (FET-24).
 */
export function createTrust(ca: string | readonly string[] = rootCertificates): SecureContext {
  return createSecureContext({ ca: typeof ca === 'string' ? ca : [...ca], minVersion: 'TLSv1.2' })
}

/** What may wait to be parsed before reading pauses: Node's types do not name the option, its TLS sockets take it. */
const BUFFER = { highWaterMark: 16_384 }

/** Speaks TLS with the certificate of the *name*, over a socket dialled to the vetted address (FET-16, FET-24). */
export async function shakeHands(
  socket: Socket,
  { host, trust }: { readonly host: string; readonly trust: SecureContext },
  attempt: Attempt,
): Promise<TLSSocket> {
  const secure = attempt.own(
    connect({
      ...BUFFER,
      socket,
      host,
      // SNI admits names only; a literal has none.
      servername: isIP(host) === 0 ? host : '',
      secureContext: trust,
      // Without it being spelled out, NODE_TLS_REJECT_UNAUTHORIZED=0 would switch verification off.
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: checkName,
    }),
  )
  // After the handshake Node only tells of what breaks TLS and reads on: whoever waits for the next byte would not know.
  secure.on('error', (error) => secure.destroy(error))
  // Before Node judges the chain: a certificate that is refused is evidence too.
  secure.prependOnceListener('secure', () => attempt.note(seenOf(secure)))
  await once(secure, 'secureConnect', { signal: attempt.signal })
  if (!secure.authorized) throw new FetchError('tls_certificate_invalid', 'the handshake was not authorized')
  attempt.note(provenOf(secure))
  return secure
}

// After the chain was judged: whoever shows a certificate that nobody trusts has shown nothing of itself.
function provenOf(secure: TLSSocket): CertificateIdentity {
  const certificate = secure.getPeerX509Certificate()
  return certificate === undefined ? {} : identityOf(certificate)
}

/** Names count in subjectAltName alone (RFC 9525 section 6.3): Node would fall back to the common name. */
function checkName(name: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname !== undefined) return checkServerIdentity(name, certificate)
  return new FetchError('tls_certificate_invalid', 'the certificate names no host in subjectAltName')
}

function seenOf(secure: TLSSocket): { readonly tlsVersion: string; readonly certificateSha256?: string } {
  const certificate = secure.getPeerX509Certificate()
  return {
    tlsVersion: secure.getProtocol() ?? 'unknown',
    ...(certificate && {
      certificateSha256: createHash('sha256').update(certificate.raw).digest('hex'),
    }),
  }
}
