import { describe, expect, it } from 'vitest'
import { shareReads } from './shared-read.ts'

function setup() {
  const begun: PromiseWithResolvers<string>[] = []
  const read = () => {
    const result = Promise.withResolvers<string>()
    begun.push(result)
    return result.promise
  }
  return { begun, read, share: shareReads<string>() }
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('shareReads', () => {
  it('gives one read to all who ask in one turn', async () => {
    const { begun, read, share } = setup()
    const asked = [share('a', read), share('a', read), share('a', read)]
    await turn()
    expect(begun).toHaveLength(1)
    begun[0]?.resolve('x')
    expect(await Promise.all(asked)).toEqual(['x', 'x', 'x'])
  })

  it('reads each key for itself', async () => {
    const { begun, read, share } = setup()
    const asked = [share('a', read), share('b', read)]
    await turn()
    expect(begun).toHaveLength(2)
    begun[0]?.resolve('x')
    begun[1]?.resolve('y')
    expect(await Promise.all(asked)).toEqual(['x', 'y'])
  })

  it('lets nobody join a read that has begun: it may be older than what they were woken for', async () => {
    const { begun, read, share } = setup()
    const early = share('a', read)
    await turn()
    const late = share('a', read)
    await turn()
    expect(begun).toHaveLength(2)
    begun[1]?.resolve('new')
    expect(await late).toBe('new')
    begun[0]?.resolve('old')
    expect(await early).toBe('old')
  })

  it('lets nobody join from within the read itself', async () => {
    const { begun, read, share } = setup()
    let within: Promise<string> | undefined
    const outer = share('a', () => {
      within = share('a', read)
      return read()
    })
    await turn()
    await turn()
    expect(begun).toHaveLength(2)
    begun[0]?.resolve('outer')
    begun[1]?.resolve('inner')
    expect([await outer, await within]).toEqual(['outer', 'inner'])
  })

  it('gives a failure to all who shared it and to nobody after them', async () => {
    const { begun, read, share } = setup()
    const asked = Promise.allSettled([share('a', read), share('a', read)])
    await turn()
    begun[0]?.reject(new Error('down'))
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const again = share('a', read)
    await turn()
    begun[1]?.resolve('x')
    expect(await again).toBe('x')
  })
})
