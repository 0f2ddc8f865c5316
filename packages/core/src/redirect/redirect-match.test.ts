import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchRedirectUri, REDIRECT_MISMATCHES } from './redirect-match.ts'
import { judgeRedirectUri } from './redirect-uri.ts'

describe('matchRedirectUri', () => {
  it.each([
    ['the same string (RED-01)', 'https://a.example/cb', 'https://a.example/cb', 'exact'],
    ['the same private-use URI (RED-01)', 'com.example.app:/cb', 'com.example.app:/cb', 'exact'],
    [
      'a port where none is listed (RED-02)',
      'http://127.0.0.1/cb',
      'http://127.0.0.1:5555/cb',
      'loopback_port',
    ],
    ['no port where one is listed (RED-02)', 'http://127.0.0.1:33418/', 'http://127.0.0.1/', 'loopback_port'],
    ['another port (RED-02)', 'http://[::1]:1/cb?x=1', 'http://[::1]:65535/cb?x=1', 'loopback_port'],
    [
      'another port of localhost (RED-03)',
      'http://localhost/cb',
      'http://localhost:5555/cb',
      'loopback_port',
    ],
    ['another port without a path (RED-02)', 'http://127.0.0.1:33418', 'http://127.0.0.1:1', 'loopback_port'],
  ])('matches %s', (_, entry, requested, rule) => {
    const metadata = { redirect_uris: ['https://other.example/', entry] }
    expect(matchRedirectUri(requested, metadata)).toEqual({ matched: true, entry, rule })
  })

  it.each<[string, string, string, string]>([
    ['RED-02', 'path_differs', 'http://127.0.0.1/cb', 'http://127.0.0.1:5/cb/'],
    ['RED-01', 'path_differs', 'http://127.0.0.1', 'http://127.0.0.1:5/'],
    ['RED-02', 'query_differs', 'http://127.0.0.1/cb', 'http://127.0.0.1:5/cb?x'],
    ['RED-03', 'loopback_name_differs', 'http://127.0.0.1/cb', 'http://localhost:5/cb'],
    ['RED-03', 'loopback_name_differs', 'http://127.0.0.1/cb', 'http://[::1]:5/cb'],
    ['RED-01', 'requested_unacceptable', 'http://localhost/cb', 'http://LOCALHOST/cb'],
    ['RED-02', 'port_differs', 'https://localhost/cb', 'https://localhost:5/cb'],
    ['RED-02', 'requested_unacceptable', 'http://127.0.0.1/cb', 'http://127.0.0.1:0/cb'],
    ['RED-02', 'requested_unacceptable', 'http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb'],
    ['RED-02', 'requested_unacceptable', 'http://127.0.0.1/cb', 'http://127.0.0.1:/cb'],
    ['RED-02', 'requested_unacceptable', 'http://localhost/cb', 'http://localhost:5@a.example/cb'],
    ['RED-02', 'requested_unacceptable', 'http://localhost/cb', 'http://localhost.a.example/cb'],
    ['RED-01', 'path_differs', 'https://a.example/cb', 'https://a.example/cb/../x'],
    ['RED-01', 'query_differs', 'https://a.example/cb', 'https://a.example/cb?x'],
    ['RED-01', 'case_differs', 'https://a.example/cb', 'https://A.example/cb'],
    ['RED-01', 'port_differs', 'https://a.example/cb', 'https://a.example:443/cb'],
    ['RED-01', 'host_differs', 'https://a.example/cb', 'https://b.example/cb'],
    ['RED-01', 'host_differs', 'com.example.app:/cb', 'com.example.app:///cb'],
    ['RED-01', 'host_differs', 'com.example.app:/cb', 'com.example.app://cb'],
  ])('%s: does not match, as %s, %s with %s', (_, reason, entry, requested) => {
    const match = matchRedirectUri(requested, { redirect_uris: [entry] })
    expect(match).toMatchObject({ matched: false, reason })
    expect(match).toEqual({
      matched: false,
      reason,
      ...(reason !== 'requested_unacceptable' && { nearest: entry }),
    })
  })

  it('RED-01: names no nearest entry where not even the scheme agrees', () => {
    const document = { redirect_uris: ['https://a.example/cb', 'com.example.app:/cb'] }
    expect(matchRedirectUri('org.example.app:/cb', document)).toStrictEqual({
      matched: false,
      reason: 'scheme_differs',
    })
  })

  it('RED-01: names the entry that agrees furthest, the first of equals', () => {
    const redirect_uris = [
      'com.example:/',
      'https://a.example/x',
      'https://b.example/y',
      'https://b.example/z',
    ]
    expect(matchRedirectUri('https://b.example/cb', { redirect_uris })).toEqual({
      matched: false,
      reason: 'path_differs',
      nearest: 'https://b.example/y',
    })
  })

  it.each([
    [
      'a loopback name for a public one',
      'https://a.example/',
      'http://127.0.0.1/',
      { reason: 'scheme_differs' },
    ],
    [
      'a public name for a loopback one',
      'http://127.0.0.1/',
      'https://a.example/',
      { reason: 'scheme_differs' },
    ],
    [
      'a path below an authority with a port',
      'https://a.example:1/x',
      'https://a.example:1/y',
      { reason: 'path_differs' },
    ],
    [
      'a path with a colon',
      'com.example:/x:1',
      'com.example:/x:2',
      { reason: 'path_differs', nearest: 'com.example:/x:1' },
    ],
    [
      'nothing but the query, at a loopback port of its own',
      'http://[::1]:1/?a',
      'http://[::1]:2/?b',
      { reason: 'query_differs' },
    ],
  ])('RED-01: does not take %s', (_, entry, requested, expected) => {
    expect(matchRedirectUri(requested, { redirect_uris: [entry] })).toMatchObject({
      matched: false,
      ...expected,
    })
  })

  it('RED-02: knows no freedom of port for a scheme that only ends in http', () => {
    const document = { redirect_uris: ['xhttp://127.0.0.1:1/'] }
    expect(matchRedirectUri('xhttp://127.0.0.1:2/', document).matched).toBe(false)
  })

  it('RED-08: never matches what no document may list, even if a list has it', () => {
    expect(matchRedirectUri('javascript:alert(1)', { redirect_uris: ['javascript:alert(1)'] })).toEqual({
      matched: false,
      reason: 'requested_unacceptable',
    })
  })

  it('RED-10: holds a client that says web to the port, an exact match aside', () => {
    const nearest = 'http://127.0.0.1:80/cb'
    const metadata = { redirect_uris: [nearest], application_type: 'web' }
    expect(matchRedirectUri('http://127.0.0.1:81/cb', metadata)).toEqual({
      matched: false,
      reason: 'port_differs_for_web',
      nearest,
    })
    expect(matchRedirectUri(nearest, metadata)).toMatchObject({ matched: true })
    expect(
      matchRedirectUri('http://127.0.0.1:81/cb', { ...metadata, application_type: 'native' }),
    ).toMatchObject({
      matched: true,
    })
  })

  it('RED-11: decides by the version it is given', () => {
    const [before, after] = [
      { redirect_uris: ['https://a.example/old'] },
      { redirect_uris: ['https://a.example/new'] },
    ]
    expect(matchRedirectUri('https://a.example/old', before).matched).toBe(true)
    expect(matchRedirectUri('https://a.example/old', after).matched).toBe(false)
  })

  it('RED-01: matches nothing where nothing is listed', () => {
    expect(matchRedirectUri('https://a.example/cb', {})).toEqual({
      matched: false,
      reason: 'no_redirect_uris',
    })
  })

  const loopback = fc
    .tuple(
      fc.constantFrom('127.0.0.1', '[::1]', 'localhost'),
      fc.option(fc.integer({ min: 1, max: 65_535 })),
      fc.constantFrom('', '/', '/cb', '/cb?x=1'),
    )
    .map(([host, port, rest]) => ({
      host,
      rest,
      uri: `http://${host}${port === null ? '' : `:${port}`}${rest}`,
    }))
  const acceptable = fc
    .oneof(
      fc.webUrl({ withQueryParameters: true }),
      loopback.map(({ uri }) => uri),
      fc.constant('com.example:/cb'),
    )
    .filter((uri) => judgeRedirectUri(uri).kind !== 'refused')

  it('RED-01: is reflexive, whatever else is listed', () => {
    fc.assert(
      fc.property(acceptable, fc.array(acceptable), (uri, others) => {
        const expected = { matched: true, entry: uri, rule: 'exact' }
        expect(matchRedirectUri(uri, { redirect_uris: [...others, uri] })).toEqual(expected)
      }),
    )
  })

  it('RED-02, RED-03: of loopback URIs matches exactly those of the same name and rest', () => {
    fc.assert(
      fc.property(loopback, loopback, (listed, asked) => {
        const same = listed.host === asked.host && listed.rest === asked.rest
        expect(matchRedirectUri(asked.uri, { redirect_uris: [listed.uri] }).matched).toBe(same)
      }),
    )
  })

  it('RED-01: a match other than on loopback is a listed string', () => {
    fc.assert(
      fc.property(fc.array(fc.webUrl()), fc.webUrl(), (redirect_uris, requested) => {
        const listed = redirect_uris.includes(requested) && requested.startsWith('https:')
        expect(matchRedirectUri(requested, { redirect_uris }).matched).toBe(listed)
      }),
    )
  })

  it('RED-01: says of the scheme only what is so of every entry, and names a nearest one otherwise', () => {
    const schemeOf = (uri: string) => uri.slice(0, uri.indexOf(':'))
    const differsInMore = fc.oneof(
      acceptable,
      fc.constantFrom('com.example:///cb', 'com.example://cb', 'com.example:cb', 'https://a.example:/'),
    )
    fc.assert(
      fc.property(differsInMore, fc.array(differsInMore, { minLength: 1 }), (requested, redirect_uris) => {
        const match = matchRedirectUri(requested, { redirect_uris })
        if (match.matched) return
        const known = redirect_uris.map(schemeOf).includes(schemeOf(requested))
        expect(match.reason === 'scheme_differs').toBe(!known)
        expect(redirect_uris.includes(match.nearest ?? '')).toBe(known)
      }),
    )
  })

  it('never throws, and always says why not', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (requested, redirect_uris) => {
        const match = matchRedirectUri(requested, { redirect_uris })
        if (!match.matched) expect(REDIRECT_MISMATCHES[match.reason].rule).toMatch(/^RED-\d\d$/)
      }),
    )
  })
})
