import fc from 'fast-check'
import { fields } from './heads.ts'

const DOCUMENT = Buffer.from('{"client_id":"https://client.example.com/client.json"}')
const SIZES = [0, 1, 5119, 5120, 5121, 20_000]

/** Bodies as they are, many of them near the cap. */
export const bodies: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(DOCUMENT) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.constantFrom(...SIZES).map((bytes) => Buffer.alloc(bytes, 'x')) },
)

type WriteSize = (bytes: number) => string

const hex: WriteSize = (bytes) => bytes.toString(16)
const ODD_SIZES: readonly WriteSize[] = [
  (bytes) => hex(bytes).toUpperCase().padStart(12, '0'),
  (bytes) => hex(bytes + 1),
  (bytes) => `0x${hex(bytes)}`,
  () => 'ffffffffffffffff',
  () => '-1',
  () => '',
]

const chunkExtents = fc.record({
  extent: fc.integer({ min: 1, max: 600 }),
  writeSize: fc.oneof(
    { weight: 15, arbitrary: fc.constant(hex) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_SIZES) },
  ),
  extension: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('', ';a=b') },
    { weight: 1, arbitrary: fc.constantFrom(';', ';"', `;${'x'.repeat(500)}`, ' ', '\t;a') },
  ),
})

/** Bodies in chunks of random extents, told truthfully or not. */
export const chunkedBodies: fc.Arbitrary<Buffer> = fc
  .record({
    body: bodies,
    extents: fc.array(chunkExtents, { minLength: 1, maxLength: 12 }),
    last: fc.constantFrom('0\r\n', '0\r\n', '0\r\n', '000;x\r\n', ''),
    trailers: fc.array(fields, { maxLength: 3 }),
  })
  .map(({ body, extents, last, trailers }) => {
    let at = 0
    const chunks = extents.map(({ extent, writeSize, extension }) => {
      const data = Buffer.from(body.subarray(at, at + extent)).toString('latin1')
      at += extent
      return data === '' ? '' : `${writeSize(data.length)}${extension}\r\n${data}\r\n`
    })
    return Buffer.from([...chunks, last, ...trailers.map((line) => `${line}\r\n`), '\r\n'].join(''), 'latin1')
  })
