import { describe, expect, it } from 'vitest'
import { type ClientIdUrlOptions, parseClientIdUrl } from './client-id-url.ts'

const host = 'https://app.example.com'

function findingsOf(raw: string, options?: ClientIdUrlOptions) {
  const result = parseClientIdUrl(raw, options)
  return result.ok ? result.warnings : [...result.violations, ...result.warnings]
}

const codesOf = (raw: string) => findingsOf(raw).map(({ code }) => code)

describe('what a developer is told of an identifier (ARC-09)', () => {
  const told = (raw: string) => findingsOf(raw).map(({ rule, code, detail }) => `${rule} ${code}: ${detail}`)

  it('CID-01 to CID-08: of its components', () => {
    expect(told('ftp://u@app.example.com/./%2e#')).toMatchInlineSnapshot(`
      [
        "CID-01 url_scheme: the scheme is not https",
        "CID-02 url_userinfo: there is a userinfo component",
        "CID-05 url_dot_segment: the path has a "." segment",
        "CID-06 url_dot_segment_escaped: the path segment "%2e" is a dot segment, escaped",
        "CID-07 url_fragment: there is an empty fragment",
        "CID-12 non_canonical: a URL library turns it into ftp://u@app.example.com/#",
      ]
    `)
    expect(told(`${host}/?#f`)).toMatchInlineSnapshot(`
      [
        "CID-07 url_fragment: there is a fragment",
        "CID-04 url_root_path: the path is only "/"",
        "CID-08 url_query: there is an empty query",
      ]
    `)
    expect(told('')).toMatchInlineSnapshot(`
      [
        "CID-01 url_scheme: there is no scheme",
        "CID-01 url_host_missing: there is no host",
        "CID-03 url_path_missing: there is no path",
        "CID-12 url_unparsable: it cannot be parsed as a URL",
      ]
    `)
  })

  it('CID-12, CID-13, CID-16: of its characters', () => {
    expect(told(`${host}/\u{1f600}%`)).toMatchInlineSnapshot(`
      [
        "CID-13 url_character: \\ud83d\\ude00 is not allowed in a URI",
        "CID-13 url_escape: a % starts no valid escape",
        "CID-12 non_canonical: a URL library turns it into https://app.example.com/%F0%9F%98%80%",
      ]
    `)
    expect(told(`${host}/[\t`)).toMatchInlineSnapshot(`
      [
        "CID-13 url_character: \\u0009 is not allowed in a URI",
        "CID-13 url_character: square brackets belong around an IP literal only",
        "CID-12 non_canonical: a URL library turns it into https://app.example.com/[",
      ]
    `)
    expect(findingsOf('https:[x').find(({ code }) => code === 'url_character')?.span).toEqual({
      start: 6,
      end: 7,
    })
    expect(told('a'.repeat(2049))).toEqual(['CID-16 url_too_long: longer than 2048 bytes'])
  })

  it('CID-09, CID-14, CID-15: of its host and port', () => {
    expect(told('https://a_b.local.:8443/c')).toMatchInlineSnapshot(`
      [
        "CID-14 host_trailing_dot: the host ends in a dot",
        "CID-15 host_invalid: the host is not a DNS host name",
        "CID-15 host_special_use: .local is special-use or private",
        "CID-09 port_not_allowed: only port 443 is fetched from",
      ]
    `)
    expect(told('https://127.0.0.1:0/c')).toMatchInlineSnapshot(`
      [
        "CID-15 host_ip_literal: the host is an IP address",
        "CID-15 port_invalid: the port is not a number from 1 to 65535",
      ]
    `)
    expect(told('https://website/c')).toMatchInlineSnapshot(`
      [
        "CID-15 host_single_label: the host is a single label",
      ]
    `)
    expect(findingsOf(`${host}:8444/c`, { allowedPorts: [443, 8443] })[0]?.detail).toBe(
      'only port 443, 8443 is fetched from',
    )
  })

  it.each([
    'https://app.1a/c',
    'https://app.a1/c',
    'https://app.0xg/c',
    'https://app.x0/c',
    'https://1.2.3.com/c',
  ])('CID-15: takes no number within a name for an address (%s)', (raw) => {
    expect(codesOf(raw)).not.toContain('host_ip_literal')
  })

  it.each(['https://0x/c', 'https://app.0x12/c', 'https://app.12/c'])('CID-15: takes %s for one', (raw) => {
    expect(codesOf(raw)).toContain('host_ip_literal')
  })

  it.each([1, 65_535])('CID-15: takes %i for a port', (port) => {
    expect(parseClientIdUrl(`${host}:${port}/c`, { allowedPorts: [port] })).toMatchObject({ ok: true, port })
  })

  it.each(['x443', '443x', '-443'])('CID-15: does not take %j for one', (port) => {
    expect(codesOf(`${host}:${port}/c`)).toContain('port_invalid')
  })

  it('CID-16: counts bytes, not characters, up to the bound itself', () => {
    expect(codesOf(`${host}/${'a'.repeat(2048 - host.length - 1)}`)).toEqual([])
    expect(codesOf(`${host}/${'\u00e9'.repeat(1013)}`)).toEqual(['url_too_long'])
  })

  it('CID-09, CID-15: marks the port where it would be, and the whole of an address', () => {
    const [implied] = findingsOf(`${host}/c`, { allowedPorts: [8443] })
    expect(implied).toMatchObject({ code: 'port_not_allowed', span: { start: 23, end: 23 } })
    expect(findingsOf('https://[::]:8443/c')[0]).toMatchObject({ span: { start: 8, end: 12 } })
  })
})
