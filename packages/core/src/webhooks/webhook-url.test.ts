import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseWebhookUrl, WEBHOOK_URL_LENGTH_MAX } from './webhook-url.ts'

describe(parseWebhookUrl, () => {
  it.each([
    ['https://hooks.example.com/cimd', 'https://hooks.example.com/cimd', 443],
    ['https://hooks.example.com', 'https://hooks.example.com/', 443],
    ['HTTPS://Hooks.Example.com:443/A', 'https://hooks.example.com/A', 443],
    ['https://hooks.example.com:/a', 'https://hooks.example.com/a', 443],
    ['https://hooks.example.com:8443/a/../b', 'https://hooks.example.com:8443/b', 8443],
    ['https://hooks.example.com/?tenant=a&kinds[]=b', 'https://hooks.example.com/?tenant=a&kinds[]=b', 443],
    ['https://hooks.example.com/%7Ea', 'https://hooks.example.com/%7Ea', 443],
    ['https://xn--bcher-kva.example.com/', 'https://xn--bcher-kva.example.com/', 443],
  ])('takes %s as %s', (raw, value, port) => {
    expect(parseWebhookUrl(raw)).toEqual({ ok: true, value, host: new URL(value).hostname, port })
  })

  it.each([
    ['', 'url_scheme'],
    ['hooks.example.com/cimd', 'url_scheme'],
    ['http://hooks.example.com/', 'url_scheme'],
    ['javascript:alert(1)', 'url_scheme'],
    ['ht\ntps://hooks.example.com/', 'url_scheme'],
    [' https://hooks.example.com/', 'url_scheme'],
    ['https:hooks.example.com', 'url_host_missing'],
    ['https:///hooks.example.com', 'url_host_missing'],
    ['https://user:secret@hooks.example.com/', 'url_userinfo'],
    ['https://@hooks.example.com/', 'url_userinfo'],
    ['https://hooks.example.com/#', 'url_fragment'],
    ['https://hooks.example.com/#part', 'url_fragment'],
    ['https://hooks.example.com/a b', 'url_character'],
    ['https://hooks.example.com/\r\nx: y', 'url_character'],
    ['https://hooks.example.com\\@evil.example.net/', 'url_userinfo'],
    ['https://hooks.example.com\\evil', 'url_character'],
    ['https://b\u00fccher.example.com/', 'url_character'],
    ['https://hooks.example.com/%zz', 'url_escape'],
    ['https://localhost/', 'host_special_use'],
    ['https://metadata.google.internal/', 'host_special_use'],
    ['https://hooks.test/', 'host_special_use'],
    ['https://wiki/', 'host_single_label'],
    ['https://hooks.example.com./', 'host_trailing_dot'],
    ['https://a_b.example.com/', 'host_invalid'],
    ['https://ex%61mple.com/', 'host_invalid'],
    ['https://127.0.0.1/', 'host_ip_literal'],
    ['https://169.254.169.254/latest/meta-data/', 'host_ip_literal'],
    ['https://2130706433/', 'host_ip_literal'],
    ['https://0x7f.1/', 'host_ip_literal'],
    ['https://[::1]/', 'host_ip_literal'],
    ['https://[::ffff:10.0.0.1]/', 'host_ip_literal'],
    ['https://93.184.215.14/', 'host_ip_literal'],
    ['https://hooks.example.com:0/', 'port_invalid'],
    ['https://hooks.example.com:65536/', 'port_invalid'],
  ])('FET-12, FET-19: refuses %j with %s', (raw, code) => {
    expect(parseWebhookUrl(raw)).toMatchObject({ ok: false, code, detail: expect.any(String) })
  })

  it('says where, and names no rule for client identifier URLs', () => {
    expect(parseWebhookUrl('https://hooks.example.com/#part')).toEqual({
      ...{ ok: false, code: 'url_fragment', detail: 'there is a fragment' },
      span: { start: 26, end: 31 },
    })
  })

  it('refuses what is too long, as given or once it is escaped', () => {
    const start = 'https://hooks.example.com/?'
    const longest = start.padEnd(WEBHOOK_URL_LENGTH_MAX, 'a')
    expect(parseWebhookUrl(longest)).toMatchObject({ ok: true })
    expect(parseWebhookUrl(`${longest}a`)).toMatchObject({ ok: false, code: 'url_too_long' })
    expect(parseWebhookUrl(`${longest.slice(0, -1)}'`)).toMatchObject({ ok: false, code: 'url_too_long' })
  })

  it('lets a deployment say which ports may be named', () => {
    expect(parseWebhookUrl('https://hooks.example.com:8443/', [443, 8443])).toMatchObject({ ok: true })
    expect(parseWebhookUrl('https://hooks.example.com:22/', [443, 8443])).toMatchObject({
      ok: false,
      code: 'port_not_allowed',
    })
  })
})

const URL_PARTS = fc.array(
  fc.oneof(
    fc.constantFrom('https://', 'http://', 'hooks.example.com', '127.1', '[::1]', 'localhost', ':8443', ':'),
    fc.constantFrom('/', '/../', '?', '#', '@', '\\', '%', '%2e', '[', '\t', '.', 'xn--', "'"),
    fc.string({ maxLength: 4 }),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
  ),
  { maxLength: 8 },
)

describe('parseWebhookUrl, whatever it is given,', () => {
  const raws = fc.oneof(
    URL_PARTS.map((parts) => parts.join('')),
    URL_PARTS.map((parts) => `https://hooks.example.com${parts.join('')}`),
    fc.string({ unit: 'binary' }),
  )

  it('FET-12, FET-19: takes only https URLs of public-looking names, as they are then asked for', () => {
    fc.assert(
      fc.property(raws, (raw) => {
        const parsed = parseWebhookUrl(raw)
        if (!parsed.ok) return
        const url = new URL(parsed.value)
        expect(url).toMatchObject({ protocol: 'https:', username: '', password: '', hash: '' })
        expect(url.href).toBe(parsed.value)
        expect(url.hostname).toBe(parsed.host)
        expect(raw.toLowerCase()).toContain(parsed.host)
        expect(parsed.host).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:[a-z]{2,}|xn--[a-z0-9-]+)$/)
        expect(parsed.value.length).toBeLessThanOrEqual(WEBHOOK_URL_LENGTH_MAX)
      }),
      { numRuns: 2000 },
    )
  })

  it('changes nothing of what it once took', () => {
    fc.assert(
      fc.property(raws, (raw) => {
        const parsed = parseWebhookUrl(raw)
        if (parsed.ok) expect(parseWebhookUrl(parsed.value)).toEqual(parsed)
      }),
      { numRuns: 2000 },
    )
  })
})
