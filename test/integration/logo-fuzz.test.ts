import { createEncodeLogo } from '@cimd/fetcher'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childProcesses, HAS_PROC } from '../harness/child-processes.ts'
import { IMAGE_FORMATS, type ImageFormat, imageOf } from '../harness/images.ts'
import { expectClean, PATIENT } from './logo-bundle.ts'

/** Of each format; most start a process. */
const RUNS = 20
/** The part of an image in which a mutation is likely to be of its structure. */
const HEAD_BYTES = 200

const images = Object.fromEntries(
  await Promise.all(IMAGE_FORMATS.map(async (format) => [format, await imageOf(format)] as const)),
) as Record<ImageFormat, Buffer>

type Mutation = {
  readonly at: number
  readonly byte: number
  readonly kind: 'set' | 'insert' | 'delete' | 'repeat' | 'cut'
}

const place = fc.oneof(fc.nat(HEAD_BYTES), fc.nat(20_000))
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: place,
  byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
  kind: fc.constantFrom('set', 'set', 'set', 'insert', 'delete', 'repeat', 'cut'),
})

describe('mutated images (UI-06)', () => {
  const encodeLogo = createEncodeLogo(PATIENT)

  it.each(IMAGE_FORMATS)(
    'of %s give a clean picture or a refusal, and never an exception',
    {
      timeout: 240_000,
    },
    async (format) => {
      const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })
      const seen = new Set<string>()
      const property = fc.asyncProperty(mutations, async (given) => {
        const logo = await encodeLogo(given.reduce(mutate, images[format]), new AbortController().signal)
        seen.add(logo.kind === 'encoded' ? 'encoded' : logo.code)
        if (logo.kind === 'encoded') await expectClean(logo)
        else expect(logo.code).toMatch(/^logo_/)
      })
      // Half of it: what is malformed is always among them.
      const half: Mutation = { at: images[format].length >> 1, byte: 0, kind: 'cut' }
      await fc.assert(property, { numRuns: RUNS, examples: [[[half]]] })
      expect([...seen]).toContain('logo_malformed')
      if (HAS_PROC) expect(childProcesses()).toEqual([])
    },
  )
})

function mutate(image: Buffer, { at, byte, kind }: Mutation): Buffer {
  const place = at % image.length
  const [before, after] = [image.subarray(0, place), image.subarray(place)]
  if (kind === 'set') return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)])
  if (kind === 'insert') return Buffer.concat([before, Buffer.from([byte]), after])
  if (kind === 'delete') return Buffer.concat([before, after.subarray(1 + (byte % 8))])
  if (kind === 'cut') return before
  return Buffer.concat([before, after.subarray(0, byte), after])
}
