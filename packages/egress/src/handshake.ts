import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Attempt } from './attempt.ts'
import { EgressError } from './egress-error.ts'

/**
 * The trust of all handshakes. `ca` is always explicit, because only then is NODE_EXTRA_CA_CERTS ignored; parsed once,
 * because it holds some 150 certificates (FET-24).
 */
export function createTrust(ca: string | readonly string[] = rootCertificates): SecureContext {
  return createSecureContext({ ca: typeof ca === 'string' ? ca : [...ca], minVersion: 'TLSv1.2' })
}

/** Speaks TLS with the certificate of the *name*, over a socket dialled to the vetted address (FET-16, FET-24). */
export async function shakeHands(
  socket: Socket,
  { host, trust }: { readonly host: string; readonly trust: SecureContext },
  attempt: Attempt,
): Promise<TLSSocket> {
  const secure = attempt.own(
    connect({
      socket,
      host,
      // SNI admits names only; a literal is reached in development alone (FET-14).
      servername: isIP(host) === 0 ? host : '',
      secureContext: trust,
      // Without it being spelled out, NODE_TLS_REJECT_UNAUTHORIZED=0 would switch verification off.
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: (name, certificate) => {
        attempt.note({ certificateSha256: createHash('sha256').update(certificate.raw).digest('hex') })
        return checkServerIdentity(name, certificate)
      },
    }),
  )
  await once(secure, 'secureConnect', { signal: attempt.signal })
  if (!secure.authorized) throw new EgressError('tls_certificate_invalid', 'the handshake was not authorized')
  attempt.note({ tlsVersion: secure.getProtocol() ?? 'unknown' })
  return secure
}
