import fc from 'fast-check'
import { noiseTexts } from './heads.ts'

const NOISE = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\r\n ',
  '\0',
  ':',
  ' ',
  '\t',
  ';',
  '\x7f',
  '\xff',
  'HTTP/1.1 200 OK\r\n',
]

/** Something that happens to a message at one place. */
type Damage = { readonly at: number; readonly removed: number; readonly inserted: string }

const inserted = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NOISE) },
  { weight: 1, arbitrary: noiseTexts },
  { weight: 1, arbitrary: fc.constantFrom('a'.repeat(100), 'a'.repeat(9000)) },
)

const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ at: fc.nat(), removed: fc.constantFrom(0, 0, 1, 2), inserted }),
  fc.record({ at: fc.nat(), removed: fc.nat(40), inserted: fc.constant('') }),
)

/** The same messages, none of them whole. */
export function damaged(messages: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(messages, fc.array(damages, { minLength: 1, maxLength: 4 }))
    .map(([message, all]) => all.reduce(inflict, message))
}

function inflict(message: Buffer, { at, removed, inserted: noise }: Damage): Buffer {
  const start = at % (message.length + 1)
  return Buffer.concat([
    message.subarray(0, start),
    Buffer.from(noise, 'latin1'),
    message.subarray(start + removed),
  ])
}
