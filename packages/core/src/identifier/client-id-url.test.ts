import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from './client-id-url.ts'

const host = 'https://app.example.com'

describe('parseClientIdUrl', () => {
  it.each([
    ['a path', `${host}/client.json`],
    ['a bare slash (CID-04)', `${host}/`],
    ['a query (CID-08)', `${host}/c?token_endpoint_auth_method=none`],
    ['an empty query (CID-08)', `${host}/c?`],
    ['a dot segment escaped twice (CID-06)', `${host}/%252e%252e/c`],
    ['an escaped slash beside dots (CID-06)', `${host}/a%2F..%2Fb`],
    ['three dots (CID-06)', `${host}/.../c`],
    ['doubled slashes (CID-20)', `${host}//a//`],
    ['escapes in either case (CID-20)', `${host}/%7e/%7E`],
    ['an A-label host (CID-13)', 'https://xn--bcher-kva.example.com/c'],
    ['the longest length (CID-16)', `${host}/${'a'.repeat(2048 - host.length - 1)}`],
  ])('accepts %s', (_, raw) => {
    expect(parseClientIdUrl(raw)).toMatchObject({ ok: true, value: raw, port: 443 })
  })

  it.each([
    ['CID-01', 'url_invalid', 'http://app.example.com/c'],
    ['CID-01', 'url_invalid', 'http://localhost/c'],
    ['CID-01', 'url_invalid', 'https:app.example.com/c'],
    ['CID-01', 'url_invalid', 'https:///c'],
    ['CID-01', 'url_invalid', 'did:web:example.com'],
    ['CID-01', 'url_invalid', 'my-client'],
    ['CID-01', 'url_invalid', ''],
    ['CID-02', 'url_invalid', 'https://user:pw@app.example.com/c'],
    ['CID-02', 'url_invalid', 'https://@app.example.com/c'],
    ['CID-02', 'url_invalid', 'https://:@app.example.com/c'],
    ['CID-03', 'url_invalid', 'https://app.example.com'],
    ['CID-03', 'url_invalid', 'https://app.example.com?q'],
    ['CID-05', 'url_invalid', `${host}/a/../c`],
    ['CID-05', 'url_invalid', `${host}/./c`],
    ['CID-05', 'url_invalid', `${host}/a/..`],
    ['CID-05', 'url_invalid', `${host}/%2e/c`],
    ['CID-05', 'url_invalid', `${host}/.%2E/c`],
    ['CID-05', 'url_invalid', `${host}/%2E%2e/c`],
    ['CID-07', 'url_invalid', `${host}/c#f`],
    ['CID-07', 'url_invalid', `${host}/c#`],
    ['CID-12', 'non_canonical', `HTTPS://app.example.com/c`],
    ['CID-12', 'non_canonical', 'https://App.example.com/c'],
    ['CID-12', 'non_canonical', `${host}:443/c`],
    ['CID-12', 'non_canonical', `${host}:/c`],
    ['CID-12', 'non_canonical', `${host}:0443/c`],
    ['CID-12', 'non_canonical', 'https://app.ex%61mple.com/c'],
    ['CID-12', 'non_canonical', `${host}/c?q='`],
    ['CID-12', 'url_invalid', `${host}:99999/c`],
    ['CID-13', 'url_invalid', `${host}/a\\b`],
    ['CID-13', 'url_invalid', `${host}/a\tb`],
    ['CID-13', 'url_invalid', ` ${host}/c`],
    ['CID-13', 'url_invalid', `${host}/c\n`],
    ['CID-13', 'url_invalid', `${host}/é`],
    ['CID-13', 'url_invalid', 'https://bücher.example.com/c'],
    ['CID-13', 'url_invalid', `${host}/%`],
    ['CID-13', 'url_invalid', `${host}/%2`],
    ['CID-13', 'url_invalid', `${host}/a[b`],
    ['CID-13', 'url_invalid', `${host}/a|b`],
    ['CID-14', 'host_not_public', 'https://app.example.com./c'],
    ['CID-15', 'host_not_public', 'https://192.0.2.1/c'],
    ['CID-15', 'host_not_public', 'https://[2001:db8::1]/c'],
    ['CID-15', 'host_not_public', 'https://intranet/c'],
    ['CID-15', 'host_not_public', 'https://a_b.example.com/c'],
    ['CID-15', 'host_not_public', 'https://-a.example.com/c'],
    ['CID-15', 'host_not_public', `https://${'a'.repeat(64)}.example.com/c`],
    ['CID-15', 'host_not_public', `https://${'a.'.repeat(126)}com/c`.replace('a.', 'aaa.')],
    ['CID-09', 'port_not_allowed', `${host}:8443/c`],
    ['CID-09', 'port_not_allowed', `${host}:0/c`],
  ])('%s: refuses as %s %j', (rule, code, raw) => {
    const result = parseClientIdUrl(raw)
    expect(result).toMatchObject({ ok: false, code })
    expect(result.ok ? [] : result.violations.map((violation) => violation.rule)).toContain(rule)
  })

  it.each([
    ...['alt', 'home.arpa', 'example', 'internal', 'invalid', 'local', 'localdomain', 'localhost', 'onion'],
    ...['test', 'lan', 'home', 'corp', 'mail', 'intranet', 'private', 'i2p'],
  ])('CID-15: refuses a host under .%s', (name) => {
    expect(parseClientIdUrl(`https://app.${name}/c`)).toMatchObject({ ok: false, code: 'host_not_public' })
  })

  it.each(['https://0x7f.1/c', 'https://2130706433/c', 'https://127.1/c'])(
    'CID-12, CID-15: refuses the disguised address %s for both reasons',
    (raw) => {
      const result = parseClientIdUrl(raw)
      const codes = result.ok ? [] : result.violations.map((violation) => violation.code)
      expect(codes).toContain('non_canonical')
      expect(codes).toContain('host_not_public')
    },
  )

  it('CID-16: refuses more than 2048 bytes before anything else', () => {
    expect(parseClientIdUrl(`${host}/${'a'.repeat(2048)}`)).toMatchObject({ code: 'url_too_long' })
    expect(parseClientIdUrl('é'.repeat(1025))).toMatchObject({ code: 'url_too_long' })
  })

  it('CID-09: accepts a port that the deployment allows, and then only those', () => {
    const options = { allowedPorts: [8443] }
    expect(parseClientIdUrl(`${host}:8443/c`, options)).toMatchObject({
      ok: true,
      host: 'app.example.com',
      port: 8443,
    })
    expect(parseClientIdUrl(`${host}/c`, options)).toMatchObject({ code: 'port_not_allowed' })
  })

  it.each([
    ['https://app.example.co.uk/c', 'example.co.uk'],
    ['https://somebody.github.io/c', 'somebody.github.io'],
    ['https://github.io/c', 'github.io'],
  ])('POL-08: owner of %s is %s', (raw, registrableDomain) => {
    expect(parseClientIdUrl(raw)).toMatchObject({ ok: true, registrableDomain })
  })

  it('ARC-09: reports every violation, the first as the code', () => {
    const result = parseClientIdUrl('http://u@localhost:80#')
    expect(result).toMatchObject({ ok: false, code: 'url_invalid' })
    const rules = result.ok ? [] : result.violations.map((violation) => violation.rule)
    expect(rules).toEqual(
      expect.arrayContaining(['CID-01', 'CID-02', 'CID-03', 'CID-07', 'CID-15', 'CID-09']),
    )
  })

  it('CID-12: whatever it accepts, a URL parser keeps as it is', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      'a',
      'A',
      '@',
      ':',
      '443',
      '#',
      '?',
      '[',
      '\\',
      '\t',
      'é',
    )
    const url = fc
      .array(piece, { maxLength: 8 })
      .map((pieces) => `https://app.example.com/${pieces.join('')}`)
    fc.assert(
      fc.property(url, (raw) => {
        const result = parseClientIdUrl(raw)
        if (result.ok) expect(new URL(raw).href).toBe(raw)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl()), (raw) => {
        expect(typeof parseClientIdUrl(raw).ok).toBe('boolean')
      }),
    )
  })
})
