import { readdirSync, readFileSync } from 'node:fs'
import { DEFAULT_PROFILE, type FetchDocument, type FetchEvidence, type FetchResult } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { type CheckArgs, runCheck } from './check.ts'
import { UsageError } from './exit-code.ts'

const FIXTURES = new URL('../../../test/fixtures/documents/', import.meta.url)
const CLIENT_ID = 'https://app.example.net/client.json'
const EVIDENCE: FetchEvidence = {
  phase: 'body',
  addresses: ['93.184.215.14'],
  dialledAddress: '93.184.215.14',
  tlsVersion: 'TLSv1.3',
  status: 200,
  contentType: 'application/json',
  bodyBytes: 100,
  times: { totalMs: 42.4 },
}

type Given = Partial<CheckArgs> & {
  readonly file?: unknown
  /** Other files by name. */
  readonly files?: Readonly<Record<string, unknown>>
  readonly fetched?: FetchResult
}

async function check({ file, fetched, files = {}, ...args }: Given) {
  const { output, stdout, stderr } = captureOutput()
  const asked: string[] = []
  const fetchDocument: FetchDocument = async ({ url }) => {
    asked.push(url)
    if (fetched === undefined) throw new Error('nothing may be fetched')
    return fetched
  }
  const deps = { output, fetchDocument, readInput: async (name: string) => bytesOf(files[name] ?? file) }
  const given: CheckArgs = {
    targets: ['client.json'],
    clientId: undefined,
    profile: DEFAULT_PROFILE,
    asMetadata: undefined,
    json: false,
    ...args,
  }
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
  token_endpoint_auth_method: 'none',
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
          client.json:1:183
            …int_auth_method":"none","client_secret":"x"}
                                     ^^^^^^^^^^^^^^^
          The document holds a member that must not appear. Remove client_secret and client_secret_expires_at.
      ✗ redirect_uris: entry 0 is http on a host other than 127.0.0.1, [::1] and localhost  (RED-08, redirect_uri_http)
          client.json:1:96
            …1b[2J","redirect_uris":["http://app.example.net/cb","javascript:alert(1)"],"token_endpoi
                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
          A redirect URI is http on a host that is not loopback. Use https, or http on 127.0.0.1, [::1] or localhost.
      ✗ redirect_uris: entry 1 has a scheme that cannot be redirected to  (RED-08, redirect_uri_scheme)
          client.json:1:124
            …p://app.example.net/cb","javascript:alert(1)"],"token_endpoint_auth_method":"none","clie
                                     ^^^^^^^^^^^^^^^^^^^^^
          A redirect URI has a scheme that runs script, reads local data or opens no page. Use https, loopback http, or a private-use scheme.

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

      ! redirect_uris: entry 0 uses localhost instead of a loopback literal  (RED-03, redirect_localhost)
          client.json:1:92
            …n app","redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"none","clie
                                     ^^^^^^^^^^^^^^^^^^^^^
          A redirect URI uses localhost, which a hosts file can point elsewhere. Prefer 127.0.0.1 and [::1].
      ! client_uri: is not an absolute https URL  (FET-19, uri_not_https)
          client.json:1:164
            …od":"none","client_uri":"http://app.example.net"}
                                     ^^^^^^^^^^^^^^^^^^^^^^^^
          A URI member is not an absolute https URL, so it is not shown or followed. Use an absolute https URL.

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
    expect(stdout.match(/^ {4}A redirect URI is http on a host/gm)).toHaveLength(1)
  })
})

describe('check URL', () => {
  it('fetches the document and accepts it', async () => {
    const { exitCode, stdout, asked } = await check({ targets: [CLIENT_ID], fetched: fetchedOf(valid()) })
    expect(exitCode).toBe(0)
    expect(asked).toEqual([CLIENT_ID])
    expect(stdout).toContain('from 93.184.215.14, TLSv1.3, status 200, application/json, 100 bytes, 42 ms')
    expect(stdout).toMatch(/^accepted$/m)
  })

  it.each([
    ['http://app.example.net/c', 'url_scheme'],
    ['https://127.0.0.1/c', 'host_ip_literal'],
    ['https://app.example.net:8443/c', 'port_not_allowed'],
    ['https:app.example.net', 'url_host_missing'],
    ['file:///etc/passwd', 'url_scheme'],
  ])('fetches nothing from %s and says why', async (target, code) => {
    const { exitCode, stdout, asked } = await check({ targets: [target] })
    expect(exitCode).toBe(1)
    expect(asked).toEqual([])
    expect(stdout).toContain(`refused (${code})`)
  })

  it('tells a fetch that failed, with advice', async () => {
    const detail = 'CERT_HAS_EXPIRED in phase tls'
    const evidence = { ...EVIDENCE, phase: 'tls' } as const
    const fetched = { kind: 'failed', code: 'tls_certificate_invalid', detail, evidence } as const
    const { exitCode, stdout } = await check({ targets: [CLIENT_ID], fetched })
    expect(exitCode).toBe(1)
    expect(stdout).toContain(`✗ ${detail}  (tls_certificate_invalid)\n    The certificate is not valid`)
  })

  it('refuses what the default policy does not admit', async () => {
    const { exitCode, stdout } = await check({
      targets: [CLIENT_ID],
      fetched: fetchedOf(valid(), 'text/plain'),
    })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('refused (policy_denied)')
  })

  it('takes no other client_id', async () => {
    await expect(check({ targets: [CLIENT_ID], clientId: CLIENT_ID })).rejects.toThrow(UsageError)
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
          line: 1,
          column: expect.any(Number),
          advice: expect.stringContaining('Remove client_secret'),
        },
      ],
    })
  })

  it('gives what was fetched', async () => {
    const { exitCode, stdout } = await check({
      targets: [CLIENT_ID],
      fetched: fetchedOf(valid()),
      json: true,
    })
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

const server = { response_types_supported: ['code'], token_endpoint_auth_methods_supported: ['none'] }

describe('check --profile', () => {
  it('refuses what the profile does not admit, and shows where', async () => {
    const file = JSON.stringify(
      valid({ client_name: undefined, redirect_uris: ['com.example.app:/cb'] }),
      null,
      2,
    )
    const { exitCode, stdout } = await check({ file, profile: 'mcp-2026-07-28' })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('client_name: is absent or empty  (MCP-04, profile_member_missing)')
    expect(stdout).toContain('client.json:4:5')
    expect(stdout).toContain('refused (profile_member_missing)')
    expect((await check({ file })).exitCode).toBe(0)
  })

  it('knows how a document was served', async () => {
    const fetched = fetchedOf(valid(), 'application/cimd+json')
    const { stdout } = await check({ targets: [CLIENT_ID], fetched, profile: 'atproto' })
    expect(stdout).toContain('profile_content_type')
  })
})

describe('check --as-metadata', () => {
  const given = { asMetadata: 'as.json', files: { 'as.json': server } }

  it('tells what the server can use, and what it leaves out', async () => {
    const file = valid({ grant_types: ['authorization_code', 'urn:x'], scope: 'openid' })
    const { exitCode, stdout } = await check({ ...given, file })
    expect(exitCode).toBe(0)
    expect(stdout.slice(stdout.indexOf('At this'))).toMatchInlineSnapshot(`
      "At this authorization server:
        grants     authorization_code; not urn:x
        responses  code
        scopes     openid
        method     none
      it can serve this client
      "
    `)
  })

  it('says no when the server cannot serve the client', async () => {
    const file = valid({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.example.net/j',
    })
    const { exitCode, stdout } = await check({ ...given, file })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('(auth_method_downgrade)')
    expect(stdout).toContain('it cannot serve this client')
  })

  it('says that a method is weaker than the one declared', async () => {
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://app.example.net/j' }
    const file = valid({ ...members, token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] })
    const { exitCode, stdout } = await check({ ...given, file })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('none, weaker than the one declared')
  })

  it('gives it as JSON', async () => {
    const { stdout } = await check({ ...given, file: valid(), json: true })
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'accepted',
      capabilities: { grant_types: { usable: ['authorization_code'] }, auth_method: 'none', problems: [] },
    })
  })

  it.each([
    ['{', 'is not JSON'],
    [{}, 'response_types_supported'],
  ])('refuses %j', async (file, message) => {
    const ask = () => check({ file: valid(), asMetadata: 'as.json', files: { 'as.json': file } })
    await expect(ask()).rejects.toThrow(UsageError)
    await expect(ask()).rejects.toThrow(message)
  })
})

describe('check of several documents', () => {
  const files = {
    'good.json': valid(),
    'fair.json': valid({ redirect_uris: ['http://localhost/cb', 'http://localhost:1/cb'] }),
    'bad.json': valid({ client_secret: 'x', redirect_uris: ['http://localhost/cb'] }),
  }

  it('tells each in a line, and all in a table', async () => {
    const { exitCode, stdout } = await check({ targets: Object.keys(files), files })
    expect(exitCode).toBe(1)
    expect(stdout).toMatchInlineSnapshot(`
      "✓ good.json  accepted
      ✓ fair.json  accepted with 1 warning
      ✗ bad.json  refused (forbidden_member)

      verdict                 documents
      accepted                1
      accepted with warnings  1
      refused                 1

      code                kind       documents
      redirect_localhost  warning    2
      forbidden_member    violation  1
      "
    `)
  })

  it('gives the same as JSON', async () => {
    const { stdout } = await check({ targets: Object.keys(files), files, json: true })
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ accepted: 1, warned: 1, refused: 1 },
      reports: [
        { target: 'good.json' },
        { target: 'fair.json' },
        { target: 'bad.json', code: 'forbidden_member' },
      ],
    })
  })

  it('says in a line what a server cannot serve', async () => {
    const unservable = { ...server, grant_types_supported: ['implicit'] }
    const { exitCode, stdout } = await check({
      ...{ targets: ['good.json', 'fair.json'], asMetadata: 'as.json' },
      files: { ...files, 'as.json': unservable },
    })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✗ good.json  accepted, but no_common_grant_type')
  })

  it('takes no client_id for them all', async () => {
    await expect(check({ targets: ['a', 'b'], files, clientId: CLIENT_ID })).rejects.toThrow(UsageError)
  })
})

describe('where a finding is', () => {
  it('is shown in the document, and given as line and column', async () => {
    const text = `{\n\t"client_id": "${CLIENT_ID}",\n\t"redirect_uris": ["https://app.example.net/cb#f"]\n}`
    const { stdout } = await check({ file: text })
    expect(stdout).toContain(
      '    client.json:3:20\n       "redirect_uris": ["https://app.example.net/cb#f"]\n' +
        `${' '.repeat(25)}${'^'.repeat(30)}\n`,
    )
    const [found] = JSON.parse((await check({ file: text, json: true })).stdout).findings
    expect(found).toMatchObject({ pointer: '/redirect_uris/0', line: 3, column: 20 })
    expect(found).not.toHaveProperty('frame')
  })

  it('is shown where JSON breaks, and where a member comes twice', async () => {
    expect((await check({ file: '{\n  "a": 1,\n}' })).stdout).toContain('client.json:3:1')
    expect((await check({ file: '{"a":1,\n"a":2}' })).stdout).toContain('client.json:2:1')
  })

  it('is shown within a long line', async () => {
    const file = JSON.stringify(valid({ x: 'y'.repeat(300), client_secret: 'x', z: 'y'.repeat(300) }))
    const lines = (await check({ file })).stdout.split('\n')
    const [line = '', mark = ''] = lines.slice(lines.findIndex((one) => one.includes('…')))
    expect(line.length).toBeLessThan(100)
    expect(line.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('"client_secret"')
  })

  it('is shown in the client_id', async () => {
    const { stdout } = await check({ targets: ['https://app.example.net/c?#'] })
    expect(stdout).toContain('      https://app.example.net/c?#\n                                ^\n')
  })
})
