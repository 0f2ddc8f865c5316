import { expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { DOCUMENT_BYTES_LIMIT, parseClientMetadata } from './client-metadata.ts'

const identified = parseClientIdUrl('https://app.example.com/client.json')
if (!identified.ok) throw new Error('the client_id of these tests is wrong')
const clientId = identified.value

const HEAD = `{"client_id":"${clientId}","redirect_uris":["https://app.example.com/cb"]`
const fill = (head: string, piece: string, tail: string) =>
  head + piece.repeat(Math.floor((DOCUMENT_BYTES_LIMIT - head.length - tail.length) / piece.length)) + tail

/** Of the processor, which no pause of the machine counts for. */
const BOUND_MS = 500

it.each<[string, string, string | undefined]>([
  ['nothing but opening brackets', '['.repeat(DOCUMENT_BYTES_LIMIT), 'json_invalid'],
  ['brackets that all close', `${HEAD},"x":${'['.repeat(32_000)}${']'.repeat(32_000)}}`, 'json_too_deep'],
  ['one member again and again', `${fill(HEAD, ',"a":0', '}')}`, 'duplicate_member'],
  [
    'thousands of members',
    `${HEAD}${Array.from({ length: 5000 }, (_, n) => `,"m${n}":0`).join('')}}`,
    undefined,
  ],
  ['one long string', `${fill(`${HEAD},"x":"`, 'a', '"}')}`, undefined],
  ['one long escaped string', `${fill(`${HEAD},"x":"`, '\\u0041', '"}')}`, undefined],
  ['backslashes', `${fill(`${HEAD},"x":"`, '\\\\', '"}')}`, undefined],
  ['a string that never ends', fill(`${HEAD},"x":"`, '\\"', ''), 'json_invalid'],
  ['one long number', `${fill(`${HEAD},"x":`, '1', '}')}`, 'json_unstorable'],
  ['white space', `${fill(HEAD, ' ', '}')}`, undefined],
  ['beginnings of PEM', `${fill(`${HEAD},"x":"`, '-----BEGIN ', '"}')}`, undefined],
  ['texts that look like keys', `${fill(`${HEAD},"x":[""`, ',"\\"kty\\""', ']}')}`, undefined],
  [
    'a text of brackets that looks like a key',
    `${HEAD},"x":"\\"kty\\"${'['.repeat(30_000)}${']'.repeat(30_000)}"}`,
    undefined,
  ],
  ['blanks after a beginning of PEM', `${fill(`${HEAD},"x":"-----BEGIN `, ' ', '"}')}`, undefined],
  [
    'a thousand redirects',
    `${fill('{"redirect_uris":["a:"', ',"http://127.0.0.1:1/"', ']}')}`,
    'client_id_missing',
  ],
  ['a redirect of colons', `{"redirect_uris":["${':'.repeat(60_000)}"]}`, 'client_id_missing'],
  ['a scope of blanks', `${fill(`${HEAD},"scope":"`, ' ', '"}')}`, undefined],
  ['a client_uri of blanks', `${fill(`${HEAD},"client_uri":"`, ' ', '"}')}`, undefined],
  ['a statement of dots', `${fill(`${HEAD},"software_statement":"`, '.', '"}')}`, undefined],
  [
    'a statement of one long payload',
    `${fill(`${HEAD},"software_statement":"a.`, 'W1tb', '.a"}')}`,
    undefined,
  ],
  ['a hundred thousand bytes that are no text', '\u0000'.repeat(DOCUMENT_BYTES_LIMIT), 'json_invalid'],
])('DOC-16: is done with %s soon', (_, text, code) => {
  const body = new TextEncoder().encode(text)
  expect(body.byteLength).toBeLessThanOrEqual(DOCUMENT_BYTES_LIMIT)
  const before = process.threadCpuUsage()
  const result = parseClientMetadata(body, clientId)
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(BOUND_MS)
  expect(result.ok ? undefined : result.code).toBe(code)
})
