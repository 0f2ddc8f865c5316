import fc from 'fast-check'
import { head, OK } from '../messages.ts'

/** Those that decide where a message ends, and seldom leave it whole. */
const FRAMING_NAMES: readonly string[] =
  'content-length transfer-encoding Content-Length TRANSFER-ENCODING connection upgrade'.split(' ')

const FIELD_NAMES: readonly string[] = [
  'content-type content-encoding keep-alive trailer cache-control etag vary age date expires location',
  'retry-after cf-mitigated set-cookie alt-svc proxy-connection http2-settings __proto__ constructor',
].flatMap((line) => line.split(' '))

const FIELD_VALUES: readonly string[] = [
  'application/json|text/html|application/cimd+json; charset=utf-8|chunked|gzip, chunked|identity|gzip||*| ',
  '0|1|2|-1|+5|5120|5121|99999999999999999999|0x10|5, 5|120|close|keep-alive|upgrade|h2c|max-age=1|"etag"',
  'Wed, 21 Oct 2015 07:28:00 GMT|Wed, 32 Oct 2015 27:28:00 GMT|http://169.254.169.254/|constructor',
].flatMap((line) => line.split('|'))

/** Any bytes, as the Latin-1 text that a head is made of. */
export const noiseTexts: fc.Arbitrary<string> = fc
  .uint8Array({ maxLength: 30 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))

/** Header lines, most of which mean something. */
export const fields: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(...FIELD_NAMES) },
      { weight: 2, arbitrary: fc.constantFrom(...FRAMING_NAMES) },
      { weight: 5, arbitrary: fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/) },
      { weight: 1, arbitrary: noiseTexts },
    ),
    fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(': ', ':', ':\t') },
      { weight: 1, arbitrary: fc.constantFrom(' : ', '') },
    ),
    fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(...FIELD_VALUES) },
      { weight: 1, arbitrary: noiseTexts },
    ),
  )
  .map((parts) => parts.join(''))

export const statusLines: fc.Arbitrary<string> = fc.oneof(
  { weight: 15, arbitrary: fc.constant(OK) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('1.1', '1.1', '1.1', '1.0', '2.0', '0.9', '1.10'), fc.nat(1100), noiseTexts)
      .map(([version, status, reason]) => `HTTP/${version} ${status} ${reason}`),
  },
  { weight: 1, arbitrary: noiseTexts },
)

export const interimHeads: fc.Arbitrary<Buffer> = fc
  .tuple(fc.constantFrom(100, 101, 102, 103, 199), fc.array(fields, { maxLength: 2 }))
  .map(([status, lines]) => head(`HTTP/1.1 ${status} Interim`, lines))
