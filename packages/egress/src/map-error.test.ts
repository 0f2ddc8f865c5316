import type { FetchPhase } from '@cimd/core'
import { errors } from 'undici'
import { describe, expect, it } from 'vitest'
import { failureOf, nameOf } from './map-error.ts'

const withCode = (code: string) => Object.assign(new Error('never read'), { code })

describe(failureOf, () => {
  it.each<[string, FetchPhase, string]>([
    ['ENOTFOUND', 'dns', 'dns_not_found'],
    ['ENODATA', 'dns', 'dns_not_found'],
    ['ETIMEOUT', 'dns', 'timeout_dns'],
    ['ESERVFAIL', 'dns', 'dns_failed'],
    ['ECONNREFUSED', 'dns', 'dns_failed'],
    ['ECONNREFUSED', 'connect', 'connect_failed'],
    ['EHOSTUNREACH', 'connect', 'connect_failed'],
    ['ECONNRESET', 'tls', 'tls_failed'],
    ['EPROTO', 'tls', 'tls_failed'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls', 'tls_failed'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls', 'tls_certificate_invalid'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls', 'tls_certificate_invalid'],
    ['CERT_HAS_EXPIRED', 'tls', 'tls_certificate_invalid'],
    ['ECONNRESET', 'headers', 'response_incomplete'],
    ['UND_ERR_SOCKET', 'body', 'response_incomplete'],
    ['UND_ERR_HEADERS_OVERFLOW', 'headers', 'headers_too_large'],
    ['HPE_INVALID_CONSTANT', 'headers', 'response_malformed'],
  ])('names %s in phase %s %s, by its code alone', (code, phase, failure) => {
    expect(failureOf(withCode(code), phase)).toBe(failure)
  })

  it.each(['EMFILE', 'ENOMEM', 'ERR_INVALID_ARG_TYPE', 'ERR_ASSERTION', 'UND_ERR_INVALID_ARG'])(
    'does not blame the origin for %s',
    (code) => {
      expect(failureOf(withCode(code), 'connect')).toBeUndefined()
    },
  )

  it('blames the origin for what the parser of HTTP refuses without a code', () => {
    const error = new errors.HTTPParserError('never read')
    expect(error.code).toBeUndefined()
    expect(failureOf(error, 'headers')).toBe('response_malformed')
  })

  it('blames the origin for an assertion of the HTTP client while it reads, and only then', () => {
    expect(failureOf(withCode('ERR_ASSERTION'), 'headers')).toBe('response_malformed')
    expect(failureOf(withCode('ERR_ASSERTION'), 'body')).toBe('response_malformed')
    expect(failureOf(withCode('ERR_ASSERTION'), 'tls')).toBeUndefined()
  })

  it('does not blame the origin for an error without a code', () => {
    expect(failureOf(new TypeError('bug'), 'headers')).toBeUndefined()
  })
})

describe(nameOf, () => {
  it('names what has no code', () => {
    expect(nameOf(new errors.HTTPParserError('never read'))).toBe('HTTPParserError')
    expect(nameOf('text')).toBe('string')
  })
})
