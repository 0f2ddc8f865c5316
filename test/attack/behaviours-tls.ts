import type { SecureContextOptions, TLSSocketOptions } from 'node:tls'
import type { Flaw } from './identities.ts'
import { okMessage } from './messages.ts'
import { repeat, type Script, sendForever, type WireScript } from './wire.ts'

/** A TLS server that answers well, were it not for what it shows or demands in its handshake. */
export type TlsSetup = {
  readonly flaw?: Flaw
  readonly context?: Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'>
  readonly socket?: Pick<TLSSocketOptions, 'ALPNProtocols' | 'requestCert' | 'rejectUnauthorized'>
  readonly respond?: Script
}

const ONLY_TLS_12 = { context: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } } as const

/** Handshakes that end, one way or another. Whoever accepts one it should not gets a valid document. */
export const TLS = {
  tls_12: ONLY_TLS_12,
  tls_13: { context: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } },
  tls_selfsigned: { flaw: 'self_signed' },
  tls_expired: { flaw: 'expired' },
  tls_not_yet_valid: { flaw: 'not_yet_valid' },
  tls_wrong_name: { flaw: 'wrong_name' },
  tls_unknown_root: { flaw: 'unknown_root' },
  tls_cn_only: { flaw: 'cn_only' },
  tls_11: { context: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } },
  tls_client_cert_required: { socket: { requestCert: true, rejectUnauthorized: true } },
  /** Speaks h2 alone: a client that offers it gets it, one that offers http/1.1 alone gets an alert. */
  tls_alpn_h2: { socket: { ALPNProtocols: ['h2'] } },
  tls_renegotiate: {
    ...ONLY_TLS_12,
    respond: async (exchange) => {
      await exchange.renegotiate()
      await exchange.send(okMessage(exchange))
    },
  },
  /** One handshake after another, each of them work for the client. */
  tls_renegotiate_infinite: {
    ...ONLY_TLS_12,
    respond: async (exchange) => {
      for (;;) await exchange.renegotiate()
    },
  },
} as const satisfies Readonly<Record<string, TlsSetup>>

/** The header of a handshake record of 16 KiB, which is then long in coming. */
const HANDSHAKE_RECORD = Buffer.from('1603034000', 'hex')
/** "User canceled", a warning that by itself ends nothing. */
const WARNINGS = Buffer.from('1503030002015a'.repeat(100), 'hex')

/** What a TCP server does that never gets through a TLS handshake. */
export const TCP = {
  tcp_rst: async (wire) => wire.reset(),
  tcp_close: async (wire) => wire.end(),
  tls_hang: async () => undefined,
  tls_rst: async (wire) => {
    await wire.received()
    wire.reset()
  },
  tls_close: async (wire) => {
    await wire.received()
    wire.end()
  },
  tls_plaintext_http: async (wire) => {
    await wire.send('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
  },
  tls_garbage: async (wire) => {
    await wire.received()
    await wire.send(Buffer.alloc(4096, 0xa5))
  },
  tls_garbage_infinite: async (wire) => {
    await wire.received()
    await sendForever(wire, Buffer.alloc(16_384, 0xa5))
  },
  tls_trickle: async (wire) => {
    await wire.received()
    await wire.send(HANDSHAKE_RECORD)
    await repeat(wire, Buffer.alloc(1), { everyMs: 20 })
  },
  tls_warning_flood: async (wire) => {
    await wire.received()
    await sendForever(wire, WARNINGS)
  },
} as const satisfies Readonly<Record<string, WireScript>>
