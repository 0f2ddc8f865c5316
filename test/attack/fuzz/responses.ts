import fc from 'fast-check'
import { head, JSON_TYPE, message, OK } from '../messages.ts'
import { bodies, chunkedBodies } from './bodies.ts'
import { damaged } from './damage.ts'
import { fields, interimHeads, statusLines } from './heads.ts'
import type { Speech } from './scripted-server.ts'

const NOTHING = fc.constant(Buffer.alloc(0))

const honestMessages = bodies.map((body) => message(OK, [JSON_TYPE], body))

const measuredMessages = fc
  .record({
    line: statusLines,
    lines: fc.array(fields, { maxLength: 8 }),
    body: bodies,
    lie: fc.constantFrom(0, 0, 0, -1, 1, 2),
  })
  .map(({ line, lines, body, lie }) =>
    Buffer.concat([head(line, [JSON_TYPE, ...lines, `content-length: ${body.length + lie}`]), body]),
  )

const chunkedMessages = fc
  .tuple(statusLines, fc.array(fields, { maxLength: 3 }), chunkedBodies)
  .map(([line, lines, body]) =>
    Buffer.concat([head(line, [JSON_TYPE, ...lines, 'transfer-encoding: chunked']), body]),
  )

const lawlessMessages = fc
  .tuple(statusLines, fc.array(fields, { maxLength: 70, size: 'medium' }), bodies)
  .map(([line, lines, body]) => Buffer.concat([head(line, lines), body]))

const messages: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 2, arbitrary: honestMessages },
  { weight: 3, arbitrary: measuredMessages },
  { weight: 3, arbitrary: chunkedMessages },
  { weight: 1, arbitrary: lawlessMessages },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)) },
)

const conversations = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(interimHeads, { maxLength: 5 }) },
    ),
    messages,
    fc.oneof({ weight: 8, arbitrary: NOTHING }, { weight: 1, arbitrary: messages }),
  )
  .map(([interim, final, another]) => Buffer.concat([...interim, final, another]))

/** Everything from an honest answer to noise. */
export const responses: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 1, arbitrary: conversations },
  { weight: 1, arbitrary: damaged(conversations) },
)

const tunnelHeads = fc
  .tuple(
    fc.constantFrom(100, 200, 200, 200, 201, 204, 301, 403, 407, 500, 502, 503, 504),
    fc.array(fields, { maxLength: 3 }),
  )
  .map(([status, lines]) => head(`HTTP/1.1 ${status} x`, lines))

/** Everything a proxy, or what takes itself for one, might say to CONNECT, and what may come out of its tunnel. */
export const proxyAnswers: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 1, arbitrary: responses },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.oneof(tunnelHeads, damaged(tunnelHeads)), fc.oneof(NOTHING, responses))
      .map(([answer, tunnelled]) => Buffer.concat([answer, tunnelled])),
  },
)

/** Bytes in pieces of any size, and what the server does when it has said them. */
export function speechesOf(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Speech> {
  return fc
    .record({
      bytes,
      cuts: fc.oneof(fc.constant([]), fc.array(fc.nat(), { maxLength: 6 })),
      ending: fc.constantFrom<Speech['ending'][]>('end', 'end', 'end', 'cut', 'reset', 'stay'),
      isEager: fc.constantFrom(...Array.from({ length: 12 }, (_, at) => at === 0)),
    })
    .map(({ bytes: whole, cuts, ...rest }) => ({ ...rest, pieces: piecesOf(whole, cuts) }))
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): readonly string[] {
  const ends = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b)
  return [...ends, bytes.length].map((end, at) => bytes.toString('latin1', ends[at - 1] ?? 0, end))
}
