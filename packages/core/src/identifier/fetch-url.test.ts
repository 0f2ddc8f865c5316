import { describe, expect, it } from 'vitest'
import { judgeFetchUrl } from './fetch-url.ts'

describe(judgeFetchUrl, () => {
  it.each([
    'https://app.example.com/keys.json',
    'https://app.example.com',
    'https://app.example.com/?a=b#c',
    'https://APP.example.com:443/a/../b',
    'https://93.184.215.14/logo.png',
    'https://[2606:4700::1111]/logo.png',
  ])('FET-13: lets %s be asked for', (raw) => {
    expect(judgeFetchUrl(raw)).toMatchObject({ ok: true, url: new URL(raw) })
  })

  it.each([
    ['no url', 'url_unparsable'],
    ['https://', 'url_unparsable'],
    ['http://app.example.com/', 'url_scheme'],
    ['javascript:alert(1)', 'url_scheme'],
    ['data:application/json,{}', 'url_scheme'],
    ['file:///etc/passwd', 'url_scheme'],
    ['https://user@app.example.com/', 'url_userinfo'],
    ['https://:secret@app.example.com/', 'url_userinfo'],
    ['https://localhost/', 'host_special_use'],
    ['https://metadata.google.internal/', 'host_special_use'],
    ['https://wiki/', 'host_single_label'],
    ['https://app.example.com./', 'host_trailing_dot'],
    ['https://a_b.example.com/', 'host_invalid'],
    ['https://app.example.com:8443/', 'port_not_allowed'],
    ['https://app.example.com:0/', 'port_invalid'],
  ])('FET-13, FET-19, CID-15: refuses %s with %s', (raw, code) => {
    expect(judgeFetchUrl(raw)).toMatchObject({ ok: false, code })
  })

  it('CID-09: lets the deployment allow other ports', () => {
    expect(judgeFetchUrl('https://app.example.com:8443/', [443, 8443])).toMatchObject({ ok: true })
  })
})
