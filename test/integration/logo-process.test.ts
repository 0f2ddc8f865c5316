import { createEncodeLogo } from '@cimd/fetcher'
import { describe, expect, it } from 'vitest'
import { childProcesses, HAS_PROC, peakOf } from '../harness/child-processes.ts'
import { blackPng, deflatedZeros, imageOf, pngChunk, pngHeader, pngOf } from '../harness/images.ts'
import { LIMITS, MIB, PATIENT } from './logo-bundle.ts'

const LARGEST = { width: 4096, height: 4096 }
/** Bounds that nothing here comes near. */
const ROOMY = { ...PATIENT, memoryBytes: 1024 * MIB }
const noAbort = new AbortController().signal
const small = await imageOf('png')
const slow = blackPng(LARGEST, 4, 16)

/** Needs 128 MiB at once. */
const large = pngOf(
  pngHeader(LARGEST, { depth: 16, colour: 6, interlaced: true }),
  pngChunk('IDAT', deflatedZeros(4096 * (1 + 4096 * 8) + 4096 * 16)),
)

describe('the process that decodes a logo (UI-06)', () => {
  it('is ended when it takes too long', async () => {
    const logo = await createEncodeLogo({ ...LIMITS, decodeMs: 20 })(slow, noAbort)
    expect(logo).toEqual({
      kind: 'refused',
      code: 'logo_too_costly',
      detail: 'decoding took longer than 20 ms',
    })
    expectNothingLeft()
  })

  it.runIf(HAS_PROC)('is ended when it takes too much memory', async () => {
    const logo = await createEncodeLogo({ ...PATIENT, memoryBytes: 128 * MIB })(large, noAbort)
    expect(logo).toMatchObject({ code: 'logo_too_costly', detail: `more than ${128 * MIB} bytes of memory` })
    expectNothingLeft()
  })

  it.runIf(HAS_PROC)('may crash: that is the fault of the image, and told by a code of its own', async () => {
    const { encoding, pid } = await decoding(120 * MIB, () => createEncodeLogo(ROOMY)(large, noAbort))
    process.kill(pid, 'SIGSEGV')
    expect(await encoding).toEqual({
      kind: 'refused',
      code: 'logo_decoder_crashed',
      detail: 'the decoder ended with SIGSEGV',
    })
    expectNothingLeft()
  })

  it.runIf(HAS_PROC)('ends when the work is aborted', async () => {
    const aborting = new AbortController()
    const begin = () => createEncodeLogo(ROOMY)(large, aborting.signal)
    const { encoding, pid } = await decoding(100 * MIB, begin)
    // What is stopped ends by nothing but a kill.
    process.kill(pid, 'SIGSTOP')
    aborting.abort(new Error('the fetcher stops'))
    await expect(encoding).rejects.toThrow('the fetcher stops')
    expectNothingLeft()
  })

  it('does not begin for work that was aborted', async () => {
    await expect(createEncodeLogo(LIMITS)(small, AbortSignal.abort(new Error('stopped')))).rejects.toThrow(
      'stopped',
    )
    expectNothingLeft()
  })

  it('is our fault, and an exception, when it cannot start', async () => {
    const { execPath } = process
    process.execPath = '/nowhere/node'
    try {
      await expect(createEncodeLogo(LIMITS)(small, noAbort)).rejects.toThrow(
        'the image decoder did not start',
      )
    } finally {
      process.execPath = execPath
    }
  })

  it.runIf(HAS_PROC)('is our fault when it has no memory even to start', async () => {
    const encoding = createEncodeLogo({ ...PATIENT, memoryBytes: 20 * MIB })(small, noAbort)
    await expect(encoding).rejects.toThrow('the image decoder did not start')
  })
})

function expectNothingLeft(): void {
  if (HAS_PROC) expect(childProcesses()).toEqual([])
}

/** Begins, anew where it was over before anybody looked, and waits until the child has had so much memory: it is decoding. */
async function decoding<T>(bytes: number, begin: () => Promise<T>) {
  for (;;) {
    const encoding = begin()
    const pid = await childAbove(bytes, encoding)
    if (pid !== undefined) return { encoding, pid }
  }
}

/** The first child that has had so much memory; undefined when the encoding has ended without one being seen. */
async function childAbove(bytes: number, encoding: Promise<unknown>): Promise<number | undefined> {
  let hasEnded = false
  const end = (): void => {
    hasEnded = true
  }
  void encoding.then(end, end)
  while (!hasEnded) {
    const found = childProcesses().find((pid) => peakOf(pid) > bytes)
    if (found !== undefined) return found
    await new Promise((resolve) => setImmediate(resolve))
  }
  return undefined
}
