import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../json/json.ts'
import { redirectRules } from './redirect-rules.ts'

const rules = (document: JsonObject) => redirectRules(document).map(({ code, pointer }) => [code, pointer])

describe('redirectRules', () => {
  it('RED-04, RED-08, RED-09: tells every entry that cannot be accepted, and which', () => {
    const redirect_uris = [
      '/cb',
      'https://a.example/cb',
      'https://*.example/',
      'http://a.example/',
      'data:,x',
      'a:/#',
    ]
    expect(rules({ redirect_uris })).toEqual([
      ['redirect_uri_not_absolute', '/redirect_uris/0'],
      ['redirect_uri_wildcard', '/redirect_uris/2'],
      ['redirect_uri_http', '/redirect_uris/3'],
      ['redirect_uri_scheme', '/redirect_uris/4'],
      ['redirect_uri_fragment', '/redirect_uris/5'],
    ])
  })

  it.each<[string, string, JsonObject]>([
    ['RED-03', 'redirect_localhost', { redirect_uris: ['http://127.0.0.1/', 'http://localhost/'] }],
    ['RED-08', 'redirect_scheme_undotted', { redirect_uris: ['com.example:/', 'app://a.b/'] }],
    ['RED-04', 'redirect_userinfo', { redirect_uris: ['https://a.example/@x?@', 'https://a@b.example/'] }],
    [
      'RED-10',
      'redirect_loopback_web',
      { application_type: 'web', redirect_uris: ['https://a.example/', 'http://[::1]/'] },
    ],
    [
      'RED-10',
      'redirect_private_use_web',
      { application_type: 'web', redirect_uris: ['https://a.example/', 'a.b:/'] },
    ],
  ])('%s: warns of %s, once and at the first entry concerned', (rule, code, document) => {
    const uris = document['redirect_uris'] as string[]
    const found = redirectRules({ ...document, redirect_uris: [...uris, ...uris] })
    expect(found).toEqual([
      expect.objectContaining({
        code,
        rule,
        pointer: '/redirect_uris/1',
        detail: expect.stringMatching(/^entry 1 \w+ \w+/),
      }),
    ])
  })

  it.each<[string, JsonObject, string[]]>([
    ['by default', {}, ['redirect_uris_missing']],
    ['for the code grant', { grant_types: ['authorization_code'] }, ['redirect_uris_missing']],
    ['for the implicit grant', { grant_types: ['implicit'], redirect_uris: [] }, ['redirect_uris_missing']],
    ['not for grants without a redirect', { grant_types: ['client_credentials'] }, []],
    ['not twice, where the type is wrong', { redirect_uris: 'https://a.example/' }, []],
    ['not twice, where the items are wrong', { redirect_uris: [1] }, []],
    ['for null', { redirect_uris: null }, ['redirect_uris_missing']],
  ])('RED-05: wants a redirect %s', (_, document, codes) => {
    expect(redirectRules(document).map(({ code }) => code)).toEqual(codes)
  })

  it('RED-04, RED-08: points at the place in the list as published, whatever else is in it', () => {
    expect(rules({ redirect_uris: [1, 'javascript:x', null, 'http://localhost/'] })).toEqual([
      ['redirect_uri_scheme', '/redirect_uris/1'],
      ['redirect_localhost', '/redirect_uris/3'],
    ])
  })

  it('RED-09: reads a hundred entries', () => {
    const entries = (count: number) => Array.from({ length: count }, (_, n) => `https://a.example/${n}`)
    expect(redirectRules({ redirect_uris: entries(100) })).toEqual([])
    expect(rules({ redirect_uris: entries(101) })).toEqual([['redirect_uris_too_many', undefined]])
  })
})
