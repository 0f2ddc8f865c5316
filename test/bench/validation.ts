import { createHash } from 'node:crypto'
import { type ClientIdUrl, DOCUMENT_BYTES_LIMIT, parseClientIdUrl, parseClientMetadata } from '@cimd/core'
import { pairwise, type Summary, summarize } from './statistics.ts'

/** Validation beside the least that anybody has to do with a document, and the worst input beside an ordinary one. */
export type Validation = {
  readonly documentBytes: number
  /** Microseconds for one document. */
  readonly floor: Summary
  readonly validate: Summary
  readonly ratio: Summary
  /** Time per byte of hostile inputs of 64 KiB, over that of the ordinary document; the worst first. */
  readonly hostile: readonly { readonly name: string; readonly ratio: Summary }[]
}

export type ValidationSize = { readonly rounds: number; readonly documents: number }

const CLIENT_ID = 'https://app.example.com/oauth/client.json'

/** Measures both sides in turn, round by round. */
export function measureValidation({ rounds, documents }: ValidationSize): Validation {
  const clientId = identified()
  const ordinary = new TextEncoder().encode(ordinaryDocument())
  const perByte = (body: Uint8Array, times: number) =>
    timeOf(times, () => parseClientMetadata(body, clientId)) / body.byteLength

  const pairs = rounded(rounds, () => [
    timeOf(documents, () => parseAndDigest(ordinary)),
    timeOf(documents, () => parseClientMetadata(ordinary, clientId)),
  ])
  const floors = pairs.map(([floor = 0]) => floor)
  const validations = pairs.map(([, validate = 0]) => validate)
  const hostile = hostileDocuments().map(([name, body]) => {
    const ratios = rounded(
      rounds,
      () => perByte(body, Math.ceil(documents / 50)) / perByte(ordinary, documents / 4),
    )
    return { name, ratio: summarize(ratios) }
  })
  return {
    documentBytes: ordinary.byteLength,
    floor: summarize(floors),
    validate: summarize(validations),
    ratio: summarize(pairwise(validations, floors, (a, b) => a / b)),
    hostile: hostile.toSorted((a, b) => b.ratio.median - a.ratio.median),
  }
}

// The first round compiles, and is not counted.
function rounded<Measured>(rounds: number, measure: () => Measured): readonly Measured[] {
  return Array.from({ length: rounds + 1 }, measure).slice(1)
}

function identified(): ClientIdUrl {
  const result = parseClientIdUrl(CLIENT_ID)
  if (!result.ok) throw new Error(`not a client identifier URL: ${result.code}`)
  return result.value
}

function parseAndDigest(body: Uint8Array): void {
  JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  createHash('sha256').update(body).digest('hex')
}

/** Microseconds for one call. */
function timeOf(times: number, work: () => unknown): number {
  const startedMs = performance.now()
  for (let time = 0; time < times; time++) work()
  return ((performance.now() - startedMs) * 1000) / times
}

/** About 2 KB, with the members of a large published document. */
function ordinaryDocument(): string {
  return JSON.stringify({
    client_id: CLIENT_ID,
    client_name: 'An application with an ordinary document',
    client_uri: 'https://app.example.com/',
    software_id: '4NRB1-0XZABZI9E6-5SM3R',
    software_version: '2026.11.20',
    post_logout_redirect_uris: ['https://app.example.com/goodbye', 'https://app.example.com/goodbye/again'],
    logo_uri: 'https://app.example.com/assets/logo-512.png',
    tos_uri: 'https://app.example.com/terms',
    policy_uri: 'https://app.example.com/privacy',
    contacts: ['security@example.com', 'support@example.com'],
    redirect_uris: Array.from({ length: 12 }, (_, n) => `https://app.example.com/oauth/callback/${n}`),
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    scope: Array.from({ length: 24 }, (_, n) => `resource-${n}:read`).join(' '),
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
    jwks: {
      keys: [1, 2].map((n) => ({
        kty: 'EC',
        crv: 'P-256',
        kid: `${n}`,
        x: 'x'.repeat(43),
        y: 'y'.repeat(43),
      })),
    },
  })
}

function hostileDocuments(): readonly (readonly [string, Uint8Array])[] {
  const head = `{"client_id":"${CLIENT_ID}","redirect_uris":["https://app.example.com/cb"]`
  const filled = (start: string, piece: string, end: string) =>
    start + piece.repeat(Math.floor((DOCUMENT_BYTES_LIMIT - start.length - end.length) / piece.length)) + end
  const texts: readonly (readonly [string, string])[] = [
    ['opening brackets', '['.repeat(DOCUMENT_BYTES_LIMIT)],
    ['balanced brackets', `${head},"x":${'['.repeat(32_000)}${']'.repeat(32_000)}}`],
    ['empty arrays', filled(`${head},"x":[0`, ',[]', ']}')],
    ['one member again and again', filled(head, ',"a":0', '}')],
    ['thousands of members', `${head}${Array.from({ length: 6000 }, (_, n) => `,"${n}":0`).join('')}}`],
    [
      'thousands of members of one object within',
      `${head},"x":{"a":0${Array.from({ length: 6000 }, (_, n) => `,"${n}":0`).join('')}}}`,
    ],
    ['a long string', filled(`${head},"x":"`, 'a', '"}')],
    ['a long escaped string', filled(`${head},"x":"`, '\\u0041', '"}')],
    ['escaped quotes', filled(`${head},"x":"`, '\\"', '"}')],
    ['beginnings of PEM', filled(`${head},"x":"`, '-----BEGIN ', '"}')],
    ['a hundred redirects', filled(`{"client_id":"${CLIENT_ID}","redirect_uris":["a:`, ':', '"]}')],
    [
      'redirects of ports',
      filled(`{"client_id":"${CLIENT_ID}","redirect_uris":["a:/"`, ',"http://127.0.0.1:1/"', ']}'),
    ],
    ['a scope of blanks', filled(`${head},"scope":"`, ' ', '"}')],
    ['a script URI of blanks', filled(`${head},"client_uri":"`, ' ', '"}')],
    ['a software statement', filled(`${head},"software_statement":"a.`, 'W1tb', '.a"}')],
    ['wrong types', filled(`${head},"contacts":[0`, ',0', ']}')],
    ['keys', filled(`${head},"jwks":{"keys":[{}`, ',{}', ']}}')],
    ['numbers', filled(`${head},"x":[0`, ',1e999', ']}')],
  ]
  return texts.map(([name, text]) => [name, new TextEncoder().encode(text)])
}
