import { readdirSync, readFileSync } from 'node:fs'
import type { FetchDocument, FetchEvidence, FetchResult } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { type CheckArgs, runCheck } from './check.ts'
import { UsageError } from './exit-code.ts'

const FIXTURES = new URL('../../../test/fixtures/documents/', import.meta.url)
const CLIENT_ID = 'https://app.example.net/client.json'
const EVIDENCE: FetchEvidence = {
  addresses: ['93.184.215.14'],
  dialledAddress: '93.184.215.14',
  tlsVersion: 'TLSv1.3',
  status: 200,
  contentType: 'application/json',
  bodyBytes: 100,
  times: { totalMs: 42.4 },
}

type Given = Partial<CheckArgs> & { readonly file?: unknown; readonly fetched?: FetchResult }

async function check({ file, fetched, ...args }: Given) {
  const { output, stdout, stderr } = captureOutput()
  const asked: string[] = []
  const fetchDocument: FetchDocument = async ({ url }) => {
    asked.push(url)
    if (fetched === undefined) throw new Error('nothing may be fetched')
    return fetched
  }
  const deps = { output, fetchDocument, readInput: async () => bytesOf(file) }
  const given = { target: 'client.json', clientId: undefined, json: false, ...args }
  const exitCode = await runCheck(deps, given)
  return { exitCode, stdout: stdout(), stderr: stderr(), asked }
}

function bytesOf(document: unknown): Uint8Array {
  if (document instanceof Uint8Array) return document
  return new TextEncoder().encode(typeof document === 'string' ? document : JSON.stringify(document))
}

function fetchedOf(document: unknown, contentType = 'application/json'): FetchResult {
  const evidence = { ...EVIDENCE, contentType }
  return { kind: 'fetched', body: bytesOf(document), contentType, headers: {}, evidence }
}

const valid = (members: object = {}) => ({
  client_id: CLIENT_ID,
  client_name: 'An app',
  redirect_uris: ['https://app.example.net/cb'],
  ...members,
})

describe('check FILE', () => {
  it.each(readdirSync(FIXTURES))('accepts what is published as %s, by its own client_id', async (name) => {
    const { exitCode, stdout } = await check({ file: readFileSync(new URL(name, FIXTURES)) })
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^accepted(?: with \d+ warnings?)?$/m)
    expect(stdout).toContain('the document’s own')
  })

  it('says what is wrong in words', async () => {
    const file = valid({
      client_secret: 'x',
      redirect_uris: ['http://app.example.net/cb', 'javascript:alert(1)'],
      client_name: 'x\u001b[2J',
    })
    expect((await check({ file, clientId: CLIENT_ID })).stdout).toMatchInlineSnapshot(`
      "client_id  https://app.example.net/client.json (from --client-id)

      ✗ client_secret: must not appear, whatever its value  (DOC-05, forbidden_member)
          The document holds a member that must not appear. Remove client_secret and client_secret_expires_at.
      ✗ redirect_uris: entry 0 is http on a host other than 127.0.0.1, [::1] and localhost  (RED-08, redirect_uri_invalid)
      ✗ redirect_uris: entry 1 has a scheme that cannot be redirected to  (RED-08, redirect_uri_invalid)
          A redirect URI cannot be accepted. Use absolute URIs without fragment: https, loopback http, or a private-use scheme.

      refused (forbidden_member)
      "
    `)
  })

  it('warns in words and accepts', async () => {
    const file = valid({ client_uri: 'http://app.example.net', redirect_uris: ['http://localhost/cb'] })
    const { exitCode, stdout } = await check({ file })
    expect(exitCode).toBe(0)
    expect(stdout).toMatchInlineSnapshot(`
      "An app
      client_id  https://app.example.net/client.json (the document’s own; --client-id judges it by another)

      ! redirect_uris: localhost is used instead of a loopback literal  (RED-03, redirect_localhost)
          A redirect URI uses localhost, which a hosts file can point elsewhere; prefer 127.0.0.1.
      ! client_uri: is not an absolute https URL  (FET-19, uri_not_https)
          A URI member is not an absolute https URL, so it is not shown or followed.

      accepted with 2 warnings
      "
    `)
  })

  it('shows the client_id that the document says instead of the one given', async () => {
    const { exitCode, stdout } = await check({ file: valid(), clientId: 'https://other.example.net/c' })
    expect(exitCode).toBe(1)
    expect(stdout).toContain(`it says ${CLIENT_ID}  (DOC-03, client_id_mismatch)`)
  })

  it('finds the wrong client_id and the wrong document at once', async () => {
    const { stdout } = await check({ file: valid({ client_id: 'http://localhost', client_secret: 'x' }) })
    for (const rule of ['CID-01', 'CID-03', 'CID-15', 'DOC-05']) expect(stdout).toContain(`(${rule}, `)
    expect(stdout).not.toContain('client_id_mismatch')
  })

  it.each<[string, unknown, string]>([
    ['no JSON', '{"client_id": nope}', 'json_invalid'],
    ['no object', '[]', 'json_not_object'],
    ['null', 'null', 'json_not_object'],
    ['no client_id', {}, 'client_id_missing'],
    ['a client_id that is no string', { client_id: 1 }, 'client_id_missing'],
    [
      'a client_id on the prototype',
      '{"__proto__":{"client_id":"https://a.example.net/c"}}',
      'client_id_missing',
    ],
    ['a member twice', `{"client_id":"${CLIENT_ID}","client_id":"${CLIENT_ID}"}`, 'duplicate_member'],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'encoding_invalid'],
    ['nothing', '', 'json_invalid'],
    ['depth', '['.repeat(2000) + ']'.repeat(2000), 'json_too_deep'],
  ])('refuses %s', async (_, file, code) => {
    const { exitCode, stdout } = await check({ file })
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(new RegExp(`^refused \\(${code}\\)$`, 'm'))
  })

  it('says where JSON breaks', async () => {
    const { stdout } = await check({ file: '{\n  "client_id": "x",\n}' })
    expect(stdout).toContain('line 3')
  })

  it('refuses what a fetch would not read to its end', async () => {
    const { exitCode, stdout } = await check({ file: valid({ note: 'x'.repeat(5120) }) })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('(FET-10, too_large)')
  })

  it('lets no document move the cursor', async () => {
    const file = valid({ client_id: 'https://a.example.net/\u001b[2J', client_name: '\u202egnp' })
    const { stdout } = await check({ file })
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
  })

  it('gives advice once for the same mistake in a row', async () => {
    const file = valid({ redirect_uris: Array.from({ length: 10 }, (_, n) => `http://app.example.net/${n}`) })
    const { stdout } = await check({ file })
    expect(stdout.match(/^✗/gm)).toHaveLength(10)
    expect(stdout.match(/^ {4}A redirect URI cannot be accepted/gm)).toHaveLength(1)
  })
})

describe('check URL', () => {
  it('fetches the document and accepts it', async () => {
    const { exitCode, stdout, asked } = await check({ target: CLIENT_ID, fetched: fetchedOf(valid()) })
    expect(exitCode).toBe(0)
    expect(asked).toEqual([CLIENT_ID])
    expect(stdout).toContain('from 93.184.215.14, TLSv1.3, status 200, application/json, 100 bytes, 42 ms')
    expect(stdout).toMatch(/^accepted$/m)
  })

  it.each([
    ['http://app.example.net/c', 'url_invalid'],
    ['https://127.0.0.1/c', 'host_not_public'],
    ['https://app.example.net:8443/c', 'port_not_allowed'],
    ['https:app.example.net', 'url_invalid'],
    ['file:///etc/passwd', 'url_invalid'],
  ])('fetches nothing from %s and says why', async (target, code) => {
    const { exitCode, stdout, asked } = await check({ target })
    expect(exitCode).toBe(1)
    expect(asked).toEqual([])
    expect(stdout).toContain(`refused (${code})`)
  })

  it('tells a fetch that failed, with advice', async () => {
    const detail = 'CERT_HAS_EXPIRED in phase tls'
    const evidence = { addresses: ['93.184.215.14'], bodyBytes: 0, times: { totalMs: 9 } }
    const fetched = { kind: 'failed', code: 'tls_certificate_invalid', detail, evidence } as const
    const { exitCode, stdout } = await check({ target: CLIENT_ID, fetched })
    expect(exitCode).toBe(1)
    expect(stdout).toContain(`✗ ${detail}  (tls_certificate_invalid)\n    The certificate is not valid`)
  })

  it('refuses what the default policy does not admit', async () => {
    const { exitCode, stdout } = await check({ target: CLIENT_ID, fetched: fetchedOf(valid(), 'text/plain') })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('refused (policy_denied)')
  })

  it('takes no other client_id', async () => {
    await expect(check({ target: CLIENT_ID, clientId: CLIENT_ID })).rejects.toThrow(UsageError)
  })
})

describe('check --json', () => {
  it('gives the verdict, the code and every finding', async () => {
    const { exitCode, stdout } = await check({ file: valid({ client_secret: 'x' }), json: true })
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toEqual({
      target: 'client.json',
      client_id: CLIENT_ID,
      client_id_from: 'document',
      verdict: 'refused',
      code: 'forbidden_member',
      findings: [
        {
          kind: 'violation',
          code: 'forbidden_member',
          rule: 'DOC-05',
          member: 'client_secret',
          detail: expect.any(String),
          advice: expect.stringContaining('Remove client_secret'),
        },
      ],
    })
  })

  it('gives what was fetched', async () => {
    const { exitCode, stdout } = await check({ target: CLIENT_ID, fetched: fetchedOf(valid()), json: true })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      target: CLIENT_ID,
      client_id: CLIENT_ID,
      client_id_from: 'target',
      client_name: 'An app',
      verdict: 'accepted',
      findings: [],
      fetched: {
        addresses: ['93.184.215.14'],
        dialled_address: '93.184.215.14',
        status: 200,
        content_type: 'application/json',
        body_bytes: 100,
        total_ms: 42,
      },
    })
  })
})
