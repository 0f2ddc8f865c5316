import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRefusedScheme, judgeRedirectUri, splitLoopbackUri } from './redirect-uri.ts'

describe('judgeRedirectUri', () => {
  it.each([
    ['https', 'https://app.example.com/cb'],
    ['https', 'https://app.example.com'],
    ['https', 'https://app.example.com:8443/cb?x=1'],
    ['https', 'https://localhost:3000/cb'],
    ['loopback', 'http://127.0.0.1/cb'],
    ['loopback', 'http://127.0.0.1:33418'],
    ['loopback', 'http://[::1]:8080/cb'],
    ['loopback', 'http://localhost/cb?x'],
    ['private_use', 'com.example.app:/cb'],
    ['private_use', 'com.example.app://cb'],
    ['private_use', 'com.example.app:cb'],
    ['private_use', 'com.example.app://'],
    ['private_use', 'MultipassApp://atproto/oauth'],
    ['private_use', 'urn:ietf:wg:oauth:2.0:oob'],
  ])('takes as %s: %s (RED-08)', (kind, uri) => {
    expect(judgeRedirectUri(uri)).toMatchObject({ kind })
  })

  it.each([
    ['RED-04', '/cb'],
    ['RED-04', '//app.example.com/cb'],
    ['RED-04', ''],
    ['RED-04', 'https:app.example.com/cb'],
    ['RED-04', 'https://app.example.com/cb#f'],
    ['RED-04', 'https://app.example.com/cb#'],
    ['RED-04', 'https://app.example.com:99999/cb'],
    ['RED-04', 'https://app.example.com/a b'],
    ['RED-04', 'https://app.example.com/"><img>'],
    ['RED-04', 'https://app.example.com/é'],
    ['RED-04', 'com.example.app:'],
    ['RED-04', 'com.example.app:?//'],
    ['RED-04', 'java\tscript:alert(1)'],
    ['RED-04', ' javascript:alert(1)'],
    ['RED-04', 'javascript%3Aalert(1)'],
    ['RED-09', 'https://*.example.com/cb'],
    ['RED-09', 'http://localhost:*/cb'],
    ['RED-08', 'http://app.example.com/cb'],
    ['RED-08', 'http://127.0.0.2/cb'],
    ['RED-08', 'http://127.0.0.1.example.com/cb'],
    ['RED-08', 'http://127.1/cb'],
    ['RED-08', 'http://2130706433/cb'],
    ['RED-08', 'http://0x7f.0.0.1/cb'],
    ['RED-08', 'http://[::ffff:127.0.0.1]/cb'],
    ['RED-08', 'http://[0:0:0:0:0:0:0:1]/cb'],
    ['RED-08', 'http://localhost./cb'],
    ['RED-08', 'http://localhost.evil.example/cb'],
    ['RED-08', 'http://user@localhost/cb'],
    ['RED-08', 'http:/localhost/cb'],
    ['RED-08', 'http://localhost:80@app.example.com/cb'],
    ['RED-08', 'http://localhost:0/cb'],
    ['RED-08', 'javascript:alert(1)'],
    ['RED-08', 'JavaScript:alert(1)'],
    ['RED-08', 'data:text/html,x'],
    ['RED-08', 'vbscript:x'],
    ['RED-08', 'file:///etc/passwd'],
    ['RED-08', 'blob:https://app.example.com/x'],
    ['RED-08', 'about:blank'],
    ['RED-08', 'view-source:https://app.example.com/'],
    ['RED-08', 'filesystem:https://app.example.com/x'],
    ['RED-08', 'shortcuts://run-shortcut'],
    ['RED-08', 'intent://app/cb'],
    ['RED-08', 'ws://127.0.0.1/cb'],
    ['RED-08', 'wss://app.example.com/cb'],
  ])('%s: refuses %j', (rule, uri) => {
    expect(judgeRedirectUri(uri)).toMatchObject({
      kind: 'refused',
      rule,
      detail: expect.stringMatching(/\w+ \w+/),
    })
  })

  it.each([
    ['http://localhost:0/cb', 'lower case'],
    ['http://LOCALHOST', 'lower case'],
    ['HTTP://127.0.0.1?x', 'lower case'],
    ['http://[::1]:080/', 'lower case'],
    ['http://localhost:/', 'lower case'],
    ['http://localhost:80@app.example.com/cb', 'a host other than'],
    ['http://localhosts/', 'a host other than'],
  ])('RED-08: says of %s what is wrong with it', (uri, told) => {
    const detail = expect.stringContaining(told)
    expect(judgeRedirectUri(uri)).toMatchObject({ code: 'redirect_uri_http', detail })
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (uri) => void judgeRedirectUri(uri)))
    fc.assert(fc.property(fc.webUrl({ withFragments: true }), (uri) => void judgeRedirectUri(uri)))
  })
})

describe('splitLoopbackUri', () => {
  it.each([
    ['http://127.0.0.1:65535/cb?x', { host: '127.0.0.1', port: '65535', rest: '/cb?x' }],
    ['http://[::1]', { host: '[::1]', port: undefined, rest: '' }],
    ['http://localhost?x', { host: 'localhost', port: undefined, rest: '?x' }],
    ['http://localhost:65536/', undefined],
    ['http://localhost:/', undefined],
    ['http://localhost:080/', undefined],
    ['https://localhost/', undefined],
    ['xhttp://localhost/', undefined],
    ['http://LOCALHOST/', undefined],
    ['http://localhost.example.com/', undefined],
  ])('splits %s (RED-02, RED-03)', (uri, expected) => {
    expect(splitLoopbackUri(uri)).toEqual(expected)
  })
})

describe('isRefusedScheme', () => {
  it('does not look at case (FET-19)', () => {
    expect(isRefusedScheme('JAVASCRIPT')).toBe(true)
    expect(isRefusedScheme('https')).toBe(false)
  })
})
