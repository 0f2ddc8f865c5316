import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { runClientRelease } from './quarantine.ts'

const clientId = 'https://app.example.com/client.json'

/** What the command says of a release that the store ends like this. */
async function releaseOf(result: object, json?: boolean): Promise<string> {
  const { output, stdout } = captureOutput()
  const withStore = async <T>() => result as T
  await runClientRelease({ output, withStore }, { clientId, json })
  return stdout()
}

describe('cimd client release', () => {
  it.each([
    [true, [], 'its document'],
    [false, ['jwks', 'logo'], 'its key set, its logo'],
    [true, ['jwks'], 'its document, its key set'],
  ])(
    'says what of the client is fetched again (document: %s, others: %s)',
    async (document, resources, named) => {
      expect(await releaseOf({ document, resources })).toBe(
        `Released. Of ${clientId} is being fetched, in a process of its own: ${named}.\n`,
      )
    },
  )

  it('says the same in JSON', async () => {
    expect(JSON.parse(await releaseOf({ document: true, resources: [] }, true))).toEqual({
      ...{ released: true, client_id: clientId, document: true, resources: [] },
    })
  })

  it('fails where nothing is in quarantine', async () => {
    await expect(releaseOf({ document: false, resources: [] })).rejects.toThrow(
      /^nothing of .* is in quarantine$/,
    )
  })
})
