import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchRedirectUri } from './redirect-match.ts'

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

  it.each([
    ['another path (RED-02)', 'http://127.0.0.1/cb', 'http://127.0.0.1:5/cb/'],
    ['a path where there is none (RED-01)', 'http://127.0.0.1', 'http://127.0.0.1:5/'],
    ['another query (RED-02)', 'http://127.0.0.1/cb', 'http://127.0.0.1:5/cb?x'],
    ['another loopback name (RED-03)', 'http://127.0.0.1/cb', 'http://localhost:5/cb'],
    ['another loopback family (RED-03)', 'http://127.0.0.1/cb', 'http://[::1]:5/cb'],
    ['another spelling of the host (RED-01)', 'http://localhost/cb', 'http://LOCALHOST/cb'],
    ['another port of https (RED-02)', 'https://localhost/cb', 'https://localhost:5/cb'],
    ['another port of a public host (RED-02)', 'http://a.example/cb', 'http://a.example:5/cb'],
    ['port 0 (RED-02)', 'http://127.0.0.1/cb', 'http://127.0.0.1:0/cb'],
    ['a port out of range (RED-02)', 'http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb'],
    ['an empty port (RED-02)', 'http://127.0.0.1/cb', 'http://127.0.0.1:/cb'],
    ['a loopback name as userinfo (RED-02)', 'http://localhost/cb', 'http://localhost:5@a.example/cb'],
    ['a loopback name as a prefix (RED-02)', 'http://localhost/cb', 'http://localhost.a.example/cb'],
    ['a longer string (RED-01)', 'https://a.example/cb', 'https://a.example/cb/../x'],
    ['another case (RED-01)', 'https://a.example/cb', 'https://A.example/cb'],
    ['the default port (RED-01)', 'https://a.example/cb', 'https://a.example:443/cb'],
  ])('does not match %s', (_, entry, requested) => {
    expect(matchRedirectUri(requested, { redirect_uris: [entry] })).toEqual({
      matched: false,
      reason: 'not_listed',
    })
  })

  it('RED-10: holds a client that says web to the port, an exact match aside', () => {
    const metadata = { redirect_uris: ['http://127.0.0.1:80/cb'], application_type: 'web' }
    expect(matchRedirectUri('http://127.0.0.1:81/cb', metadata)).toEqual({
      matched: false,
      reason: 'port_differs_for_web',
    })
    expect(matchRedirectUri('http://127.0.0.1:80/cb', metadata)).toMatchObject({ matched: true })
  })

  it('RED-01: matches nothing where nothing is listed', () => {
    expect(matchRedirectUri('https://a.example/cb', {})).toEqual({
      matched: false,
      reason: 'no_redirect_uris',
    })
  })

  it('RED-01: a match other than on loopback is a listed string', () => {
    fc.assert(
      fc.property(fc.array(fc.webUrl()), fc.webUrl(), (redirect_uris, requested) => {
        expect(matchRedirectUri(requested, { redirect_uris }).matched).toBe(redirect_uris.includes(requested))
      }),
    )
  })
})
