import { createEncodeLogo, type EncodedLogo } from '@cimd/fetcher'
import sharp from 'sharp'
import { expect } from 'vitest'
import { childProcesses, endedChildrenCpuMs, HAS_PROC, watchChildren } from '../harness/child-processes.ts'

export const MIB = 1024 ** 2

/** As the fetcher has them by default. */
export const LIMITS = { decodeMs: 3000, memoryBytes: 256 * MIB }

/** The same without a clock, which on a busy machine would run out for what is not too costly. */
export const PATIENT = { ...LIMITS, decodeMs: 60_000 }

/** Starting a process takes its time too, and a core that is shared is a slower one. */
const CPU_SLACK_MS = 3000
/** What a decoder may take between two looks at it, which on a busy machine are far apart. */
const MEMORY_SLACK_BYTES = 256 * MIB
const PARENT_GROWTH_BYTES_MAX = 64 * MIB

const encodeLogo = createEncodeLogo(PATIENT)
const noAbort = new AbortController().signal

/** What the fetcher makes of these bytes, and how many processes it took: within the bounds, and leaving nothing. */
export async function encodeWithinBounds(
  bytes: Uint8Array,
): Promise<{ logo: EncodedLogo; processes: number }> {
  using children = watchChildren()
  const [cpuBefore, residentBefore] = [endedChildrenCpuMs(), process.memoryUsage.rss()]
  const logo = await encodeLogo(bytes, noAbort)
  expect(endedChildrenCpuMs() - cpuBefore).toBeLessThan(LIMITS.decodeMs + CPU_SLACK_MS)
  expect(process.memoryUsage.rss() - residentBefore).toBeLessThan(PARENT_GROWTH_BYTES_MAX)
  expect(children.peakBytes()).toBeLessThan(LIMITS.memoryBytes + MEMORY_SLACK_BYTES)
  if (HAS_PROC) expect(childProcesses()).toEqual([])
  return { logo, processes: children.started() }
}

/** Refused, with this code, before any decoder has run. */
export async function expectRefusedUnread(bytes: Uint8Array, code: string): Promise<void> {
  const { logo, processes } = await encodeWithinBounds(bytes)
  expect(logo).toMatchObject({ kind: 'refused', code })
  expect(processes).toBe(0)
}

/** Taken, as a clean picture of ours: a still WebP of bounded size, without metadata or anything after its end. */
export async function expectTaken(bytes: Uint8Array): Promise<Extract<EncodedLogo, { kind: 'encoded' }>> {
  const { logo } = await encodeWithinBounds(bytes)
  if (logo.kind !== 'encoded') throw new Error(`refused: ${logo.code}: ${logo.detail}`)
  await expectClean(logo)
  return logo
}

export async function expectClean(logo: Extract<EncodedLogo, { kind: 'encoded' }>): Promise<void> {
  const { contentType, width, height } = logo
  const body = Buffer.from(logo.body)
  const read = await sharp(body, { failOn: 'warning' }).metadata()
  expect(read).toMatchObject({ format: 'webp', width, height })
  expect(contentType).toBe('image/webp')
  expect(Math.max(width, height)).toBeLessThanOrEqual(512)
  expect(body.length).toBe(8 + body.readUInt32LE(4))
  expect(body.length).toBeLessThanOrEqual(MIB)
  for (const metadata of ['exif', 'icc', 'xmp', 'iptc', 'pages'] as const)
    expect(read[metadata]).toBeUndefined()
  expect(body.toString('latin1')).not.toContain(MARK)
}

/** Stands in everything that must not survive. */
export const MARK = 'cimd-attack'
export const SCRIPT = `<script>alert("${MARK}")</script>`
