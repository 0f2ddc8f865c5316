import { describe, expect, it } from 'vitest'
import { runBrakeRelease } from './brake.ts'
import { captureOutput } from './captured-output.ts'

/** What the command says of a release as mended that the store ends like this. */
async function releaseOf(result: object, json?: boolean): Promise<string> {
  const { output, stdout } = captureOutput()
  const withStore = async <T>() => result as T
  await runBrakeRelease({ output, withStore }, { accept: false, json })
  return stdout()
}

describe('cimd brake release', () => {
  it.each([
    [0, 0, '0 clients'],
    [1, 0, '1 client'],
    [0, 1, '1 key set or logo'],
    [0, 2, '2 key sets and logos'],
    [3, 2, '3 clients and 2 key sets and logos'],
  ])('says of %d clients and %d linked documents what becomes of them', async (clients, resources, named) => {
    expect(await releaseOf({ kind: 'released', clients, resources })).toBe(
      `Released. What was found about ${named} counts only if it is found again; all are fetched now.\n`,
    )
  })

  it('counts both in JSON', async () => {
    const told = await releaseOf({ kind: 'released', clients: 3, resources: 2 }, true)
    expect(JSON.parse(told)).toEqual({ released: true, accepted: false, clients: 3, resources: 2 })
  })

  it.each([false, true])(
    'tells apart who was overtaken from who found nothing engaged (JSON: %s)',
    async (json) => {
      await expect(releaseOf({ kind: 'not_engaged' }, json)).rejects.toThrow(/^the brake is not engaged$/)
      await expect(releaseOf({ kind: 'overtaken', clients: 0, resources: 2 }, json)).rejects.toThrow(
        /^somebody else has released .* about 2 key sets and logos was dropped before that/,
      )
    },
  )
})
