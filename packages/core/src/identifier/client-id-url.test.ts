import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ClientIdUrlOptions, parseClientIdUrl } from './client-id-url.ts'

const host = 'https://app.example.com'

function findingsOf(raw: string, options?: ClientIdUrlOptions) {
  const result = parseClientIdUrl(raw, options)
  return result.ok ? result.warnings : [...result.violations, ...result.warnings]
}

const WORDS = /\w+ \w+/

const codesOf = (raw: string, options?: ClientIdUrlOptions) =>
  findingsOf(raw, options).map(({ code }) => code)

describe('parseClientIdUrl accepts', () => {
  it.each([
    ['CID-01, CID-03: https with a path', `${host}/client.json`],
    ['CID-06: a dot segment escaped twice', `${host}/%252e%252e/c`],
    ['CID-06: an escaped slash beside dots', `${host}/a%2F..%2Fb`],
    ['CID-06: three dots', `${host}/.../c`],
    ['CID-06: a path parameter of two dots', `${host}/a;x=..`],
    ['CID-20: doubled slashes', `${host}//a//`],
    ['CID-20: escapes in either case', `${host}/%7e/%7E`],
    ['CID-13: an A-label host', 'https://xn--bcher-kva.example.com/c'],
    ['CID-13: every character RFC 3986 has for a path', `${host}/a-._~!$&'()*+,;=:@/c`],
    ['CID-15: labels of one and of 63 characters', `https://a.${'b'.repeat(63)}.example.com/c`],
    ['CID-15: a name of 253 characters', `https://${`${'a'.repeat(61)}.`.repeat(4)}a.com/c`],
    ['CID-16: the longest length', `${host}/${'a'.repeat(2048 - host.length - 1)}`],
  ])('%s', (_, raw) => {
    expect(parseClientIdUrl(raw)).toMatchObject({ ok: true, value: raw, port: 443, warnings: [] })
  })

  it('CID-04: a path of only a slash, and warns', () => {
    const warnings = [{ code: 'url_root_path', rule: 'CID-04', span: { start: 23, end: 24 } }]
    expect(parseClientIdUrl(`${host}/`)).toMatchObject({ ok: true, warnings })
  })

  it.each([
    ['?token_endpoint_auth_method=none', 'there is a query'],
    ['?', 'there is an empty query'],
  ])('CID-08: the query %j, and warns', (query, detail) => {
    const span = { start: 25, end: 25 + query.length }
    const warnings = [{ code: 'url_query', rule: 'CID-08', span, detail }]
    expect(parseClientIdUrl(`${host}/c${query}`)).toMatchObject({ ok: true, warnings })
  })

  it('CID-09: a port that the deployment allows, and then only those', () => {
    const options = { allowedPorts: [8443] }
    const accepted = { ok: true, host: 'app.example.com', port: 8443 }
    expect(parseClientIdUrl(`${host}:8443/c`, options)).toMatchObject(accepted)
    expect(codesOf(`${host}/c`, options)).toEqual(['port_not_allowed'])
  })

  it('CID-10, CID-11: and gives back the string as presented', () => {
    const raw = `${host}/%7Ea//b?c=%2f`
    expect(parseClientIdUrl(raw)).toMatchObject({ value: raw })
  })
})

type Case = [rule: string, code: string, raw: string, start?: number, end?: number]

describe('parseClientIdUrl refuses', () => {
  it.each<Case>([
    ['CID-01', 'url_scheme', 'http://app.example.com/c', 0, 4],
    ['CID-01', 'url_scheme', 'http://localhost/c', 0, 4],
    ['CID-01', 'url_scheme', 'did:web:example.com', 0, 3],
    ['CID-01', 'url_scheme', 'my-client', 0, 0],
    ['CID-01', 'url_scheme', '//app.example.com/c', 0, 0],
    ['CID-01', 'url_scheme', '', 0, 0],
    ['CID-01', 'url_scheme', 'httpss://app.example.com/c', 0, 6],
    ['CID-01', 'url_host_missing', 'https:app.example.com/c', 6, 6],
    ['CID-01', 'url_host_missing', 'https:/app.example.com/c', 6, 6],
    ['CID-01', 'url_host_missing', 'https:///c', 8, 8],
    ['CID-01', 'url_host_missing', 'https://:443/c', 8, 8],
    ['CID-02', 'url_userinfo', 'https://user:pw@app.example.com/c', 8, 16],
    ['CID-02', 'url_userinfo', 'https://user@app.example.com/c', 8, 13],
    ['CID-02', 'url_userinfo', 'https://@app.example.com/c', 8, 9],
    ['CID-02', 'url_userinfo', 'https://:@app.example.com/c', 8, 10],
    ['CID-02', 'url_userinfo', 'https://a@b@app.example.com/c', 8, 12],
    ['CID-03', 'url_path_missing', 'https://app.example.com', 23, 23],
    ['CID-03', 'url_path_missing', 'https://app.example.com?q', 23, 23],
    ['CID-05', 'url_dot_segment', `${host}/a/../c`, 26, 28],
    ['CID-05', 'url_dot_segment', `${host}/./c`, 24, 25],
    ['CID-05', 'url_dot_segment', `${host}/a/..`, 26, 28],
    ['CID-06', 'url_dot_segment_escaped', `${host}/%2e/c`, 24, 27],
    ['CID-06', 'url_dot_segment_escaped', `${host}/.%2E/c`, 24, 28],
    ['CID-06', 'url_dot_segment_escaped', `${host}/%2e./c`, 24, 28],
    ['CID-06', 'url_dot_segment_escaped', `${host}/a/%2E%2e`, 26, 32],
    ['CID-07', 'url_fragment', `${host}/c#f`, 25, 27],
    ['CID-07', 'url_fragment', `${host}/c#`, 25, 26],
    ['CID-07', 'url_fragment', `${host}/c?q#f`, 27, 29],
    ['CID-09', 'port_not_allowed', `${host}:8443/c`, 24, 28],
    ['CID-12', 'non_canonical', 'HTTPS://app.example.com/c', 0, 25],
    ['CID-12', 'non_canonical', 'https://App.example.com/c', 8, 25],
    ['CID-12', 'non_canonical', `${host}:443/c`, 23, 29],
    ['CID-12', 'non_canonical', `${host}:/c`, 23, 26],
    ['CID-12', 'non_canonical', `${host}:0443/c`],
    ['CID-12', 'non_canonical', 'https://app.ex%61mple.com/c'],
    ['CID-12', 'non_canonical', `${host}/c?q='`, 28, 29],
    ['CID-12', 'non_canonical', `${host}/a\\b`],
    ['CID-12', 'url_unparsable', `${host}:99999/c`, 0, 31],
    ['CID-12', 'url_unparsable', 'https://a b.example.com/c', 0, 25],
    ['CID-13', 'url_character', `${host}/a\\b`, 25, 26],
    ['CID-13', 'url_character', `${host}/a\tb`, 25, 26],
    ['CID-13', 'url_character', ` ${host}/c`, 0, 1],
    ['CID-13', 'url_character', `${host}/c\n`, 25, 26],
    ['CID-13', 'url_character', `${host}/c\0`, 25, 26],
    ['CID-13', 'url_character', `${host}/é`, 24, 25],
    ['CID-13', 'url_character', `${host}/😀`, 24, 26],
    ['CID-13', 'url_character', 'https://bücher.example.com/c', 9, 10],
    ['CID-13', 'url_character', `${host}/a|b`, 25, 26],
    ['CID-13', 'url_character', `${host}/a[b`, 25, 26],
    ['CID-13', 'url_character', `${host}/a?b]`, 27, 28],
    ['CID-13', 'url_escape', `${host}/%`, 24, 25],
    ['CID-13', 'url_escape', `${host}/%2`, 24, 25],
    ['CID-13', 'url_escape', `${host}/%20%g0`, 27, 28],
    ['CID-14', 'host_trailing_dot', 'https://app.example.com./c', 8, 24],
    ['CID-15', 'host_ip_literal', 'https://192.0.2.1/c', 8, 17],
    ['CID-15', 'host_ip_literal', 'https://192.0.2.1./c', 8, 18],
    ['CID-15', 'host_ip_literal', 'https://[2001:db8::1]/c', 8, 21],
    ['CID-15', 'host_ip_literal', 'https://[fe80::1%25eth0]/c', 8, 24],
    ['CID-15', 'host_ip_literal', 'https://0x7f.1/c', 8, 14],
    ['CID-15', 'host_ip_literal', 'https://2130706433/c', 8, 18],
    ['CID-15', 'host_ip_literal', 'https://127.0x1/c', 8, 15],
    ['CID-15', 'host_ip_literal', 'https://127.0X1/c', 8, 15],
    ['CID-15', 'host_single_label', 'https://website/c', 8, 15],
    ['CID-15', 'host_invalid', 'https://a_b.example.com/c', 8, 23],
    ['CID-15', 'host_invalid', 'https://-a.example.com/c'],
    ['CID-15', 'host_invalid', 'https://a-.example.com/c'],
    ['CID-15', 'host_invalid', 'https://a..example.com/c'],
    ['CID-15', 'host_invalid', 'https://app.example.com../c'],
    ['CID-15', 'host_invalid', `https://${'a'.repeat(64)}.example.com/c`],
    ['CID-15', 'host_invalid', `https://${`${'a'.repeat(61)}.`.repeat(4)}com1.x/c`],
    ['CID-15', 'port_invalid', `${host}:0/c`, 24, 25],
    ['CID-15', 'port_invalid', `${host}:65536/c`, 24, 29],
    ['CID-15', 'port_invalid', `${host}:443x/c`, 24, 28],
    ['CID-15', 'port_invalid', `${host}:-1/c`, 24, 26],
  ])('%s: as %s %j', (rule, code, raw, start, end) => {
    const found = findingsOf(raw).find((finding) => finding.code === code)
    expect(found).toMatchObject({ rule, ...(start !== undefined && { span: { start, end } }) })
    expect(found?.detail).toMatch(WORDS)
    expect(parseClientIdUrl(raw).ok).toBe(false)
  })

  it.each([
    ...['alt', 'home.arpa', 'example', 'internal', 'invalid', 'local', 'localdomain', 'localhost', 'onion'],
    ...['test', 'lan', 'home', 'corp', 'mail', 'intranet', 'private', 'i2p', 'svc', 'docker'],
  ])('CID-15: a host under .%s', (name) => {
    expect(codesOf(`https://app.${name}/c`)).toEqual(['host_special_use'])
  })

  it.each(['a.b', 'app.c0m', 'app.c-m'])('CID-15: %s, under no top-level domain there can be', (name) => {
    expect(codesOf(`https://${name}/c`)).toEqual(['host_invalid'])
  })

  it('CID-15: a special-use name alone for being that, not for being one label', () => {
    expect(codesOf('https://localhost/c')).toEqual(['host_special_use'])
  })

  it('CID-16: more than 2048 bytes before anything else', () => {
    const span = { start: 2048, end: 2072 }
    const expected = { ok: false, code: 'url_too_long', violations: [{ rule: 'CID-16', span }] }
    expect(parseClientIdUrl(`${host}/${'a'.repeat(2048)}`)).toMatchObject(expected)
    expect(codesOf('é'.repeat(1025))).toEqual(['url_too_long'])
    expect(codesOf('é'.repeat(1024))).not.toContain('url_too_long')
  })

  it('CID-12: and says what a URL library would make of it, within bounds', () => {
    const detail = 'a URL library turns it into https://app.example.com/c'
    expect(findingsOf('https://App.example.com/c')).toMatchObject([{ detail }])
    const [found] = findingsOf(`${host.toUpperCase()}/${'a'.repeat(1900)}`)
    expect(found?.detail.length).toBeLessThan(300)
  })

  it('ARC-09: with every violation and warning, the first violation as the code', () => {
    const result = parseClientIdUrl('http://u@localhost.:80?#')
    expect(result).toMatchObject({ ok: false, code: 'url_scheme', warnings: [{ code: 'url_query' }] })
    expect(result.ok ? [] : result.violations.map(({ code }) => code)).toEqual([
      ...['url_scheme', 'url_userinfo', 'url_path_missing', 'url_fragment'],
      ...['host_trailing_dot', 'host_special_use', 'port_not_allowed', 'non_canonical'],
    ])
  })

  it.each([
    ['app.example.com:8443', '"there is no scheme"', 'my-client'],
    ['ftp', '"the scheme is not https"', 'ftp://app.example.com/c'],
  ])('CID-01: and tells a scheme that is missing from another one (%s)', (_, detail, raw) => {
    expect(findingsOf(raw)[0]?.detail).toBe(JSON.parse(detail))
  })
})

describe('parseClientIdUrl with allowNonCanonical', () => {
  const options = { allowNonCanonical: true }

  it.each([
    ['capitals in the scheme', 'HTTPS://app.example.com/c'],
    ['capitals in the host', 'https://JavaGamer.github.io/c'],
    ['the default port written out', `${host}:443/c`],
  ])('CID-12: accepts %s, and keeps the string', (_, raw) => {
    expect(parseClientIdUrl(raw, options)).toMatchObject({ ok: true, value: raw, port: 443 })
    expect(parseClientIdUrl(raw)).toMatchObject({ ok: false, code: 'non_canonical' })
  })

  it('gives the host in lower case', () => {
    expect(parseClientIdUrl('https://JavaGamer.github.io/c', options)).toMatchObject({
      host: 'javagamer.github.io',
      registrableDomain: 'javagamer.github.io',
    })
  })

  it.each([
    `${host}:/c`,
    `${host}:0443/c`,
    'https://app.ex%61mple.com/c',
    `${host}/c?q='`,
    `${host}/a\\b`,
    `${host}/%2e/c`,
    'https://user@App.example.com/c',
  ])('CID-12: still refuses %s', (raw) => {
    expect(parseClientIdUrl(raw, options).ok).toBe(false)
  })

  it('CID-12: keeps a port that is not the default', () => {
    const result = parseClientIdUrl(`${host.replace('app', 'App')}:8443/c`, {
      ...options,
      allowedPorts: [8443],
    })
    expect(result).toMatchObject({ ok: true, port: 8443 })
  })
})

describe('registrableDomain', () => {
  it.each([
    ['https://app.example.co.uk/c', 'example.co.uk'],
    ['https://somebody.github.io/c', 'somebody.github.io'],
    ['https://github.io/c', 'github.io'],
  ])('POL-08: the owner of %s is %s', (raw, registrableDomain) => {
    expect(parseClientIdUrl(raw)).toMatchObject({ ok: true, registrableDomain })
  })
})

describe('parseClientIdUrl, whatever it is given,', () => {
  const pieces = fc.constantFrom(
    ...['/', '.', '..', '%2e', '%2F', 'a', 'A', '@', ':', '443', '#', '?', '[', ']', '\\', '\t', 'é', "'"],
  )
  const url = fc.array(pieces, { maxLength: 8 }).map((some) => `https://app.example.com${some.join('')}`)
  const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), url)

  it('CID-12: accepts nothing that a URL library serialises differently', () => {
    fc.assert(
      fc.property(anything, (raw) => {
        if (parseClientIdUrl(raw).ok) expect(new URL(raw).href).toBe(raw)
      }),
      { numRuns: 2000 },
    )
  })

  it('CID-05, CID-12: with the opt-in accepts nothing whose path and query a URL library changes', () => {
    fc.assert(
      fc.property(anything, (raw) => {
        const result = parseClientIdUrl(raw, { allowNonCanonical: true })
        if (!result.ok) return
        const { pathname, search, hostname } = new URL(raw)
        expect(raw.endsWith(pathname + search + (raw.endsWith('?') && search === '' ? '?' : ''))).toBe(true)
        expect(hostname).toBe(result.host)
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws, and places every finding within the string', () => {
    fc.assert(
      fc.property(anything, (raw) => {
        for (const { span } of findingsOf(raw)) {
          expect(span?.start).toBeGreaterThanOrEqual(0)
          expect(span?.start).toBeLessThanOrEqual(span?.end ?? -1)
          expect(span?.end).toBeLessThanOrEqual(raw.length)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
