import { promises as dns } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { processorMsFrom } from './bench/cpu.ts'
import { clientIdAt, documentAt, HOSTS } from './bench/documents.ts'
import { ADDRESSES, CASES, caseOf, hostOf } from './bench/egress-cases.ts'
import { bytesOfIPv6, startNameServer } from './bench/egress-name-server.ts'
import { formatOutcome } from './bench/egress-report.ts'
import { measureSideBySide } from './bench/egress-side-by-side.ts'
import { pairwise, quantile, summarize } from './bench/statistics.ts'
import { drive } from './bench/stopwatch.ts'

describe('summarize', () => {
  it('gives median, p10, p90, mean and n whatever the order', () => {
    const samples = [10, 0, 5, 2, 8, 4, 6, 3, 7, 1, 9]
    expect(summarize(samples)).toEqual({ median: 5, p10: 1, p90: 9, mean: 5, n: 11 })
  })

  it('interpolates between the two nearest', () => {
    expect(quantile([0, 10], 0.5)).toBe(5)
    expect(quantile([0, 10], 0.1)).toBe(1)
  })

  it('takes a single sample for every quantile', () => {
    expect(summarize([3])).toEqual({ median: 3, p10: 3, p90: 3, mean: 3, n: 1 })
  })

  it('throws when nothing was measured', () => {
    expect(() => summarize([])).toThrow('nothing was measured')
  })
})

describe('pairwise', () => {
  it('combines what was measured side by side', () => {
    expect(pairwise([5, 7], [2, 3], (a, b) => a - b)).toEqual([3, 4])
  })

  it('throws on series of different length', () => {
    expect(() => pairwise([1], [], Math.max)).toThrow('not pairs')
  })
})

describe('drive', () => {
  it('does every item once, no more than so many at a time', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await drive([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      done.push(item)
    })
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(most).toBe(3)
  })
})

describe('processorMsFrom', () => {
  it('adds user and system time, whatever the process is called', () => {
    const stat = '7 (a ) name) S 1 7 7 0 -1 4194304 100 0 0 0 12 3 0 0 20 0 1 0 100'
    expect(processorMsFrom(stat)).toBe(150)
  })
})

describe('the documents of the bench', () => {
  it('are spread over the hosts, each naming itself', () => {
    const hosts = new Set(Array.from({ length: HOSTS * 2 }, (_, index) => new URL(clientIdAt(index)).host))
    expect(hosts.size).toBe(HOSTS)
    expect(documentAt(7)['client_id']).toBe(clientIdAt(7))
  })
})

describe('measureSideBySide', () => {
  it('runs every side equally often, and each first as often as any other', async () => {
    const ran: string[] = []
    const side = (name: string) => ({ name, run: async () => ran.push(name) })
    const measured = await measureSideBySide([side('a'), side('b')], { rounds: 2, perRound: 4 })
    expect(ran.slice(0, 4)).toEqual(['a', 'b', 'b', 'a'])
    expect(ran.filter((name) => name === 'a')).toHaveLength(12)
    expect(ran.filter((name) => name === 'b')).toHaveLength(12)
    expect(measured.map(({ name, ms, ratio }) => [name, ms.n, ratio.n])).toEqual([
      ['a', 8, 2],
      ['b', 8, 2],
    ])
    expect(measured[0]?.ratio.median).toBe(1)
  })
})

describe('the hostile cases of the bench', () => {
  it('have names of their own, which lead back to them', () => {
    expect(new Set(CASES.map(({ label }) => label)).size).toBe(CASES.length)
    for (const hostile of CASES) expect(caseOf(hostOf(hostile.label, 'peer'))).toBe(hostile)
    expect(caseOf(hostOf('www', 'peer'))).toBeUndefined()
  })

  it('need each address once, and no mapped one, which no interface takes', () => {
    expect(new Set(ADDRESSES).size).toBe(ADDRESSES.length)
    expect(ADDRESSES).toContain('169.254.169.254')
    expect(ADDRESSES.filter((address) => address.startsWith('::ffff:') || address === '127.0.0.1')).toEqual(
      [],
    )
  })
})

describe('the name server of the bench', () => {
  it('answers both kinds of question, and with nothing where it has nothing', async () => {
    const zone = { 4: ['93.184.215.14', '10.0.0.1'], 6: ['64:ff9b::a9fe:a9fe'] }
    const server = await startNameServer(0, (name, family) => (name === 'a.example.net' ? zone[family] : []))
    try {
      const resolver = new dns.Resolver()
      resolver.setServers([`127.0.0.1:${server.address().port}`])
      await expect(resolver.resolve4('a.example.net')).resolves.toEqual(zone[4])
      await expect(resolver.resolve6('a.example.net')).resolves.toEqual(zone[6])
      await expect(resolver.resolve4('b.example.net')).rejects.toMatchObject({ code: 'ENODATA' })
    } finally {
      server.close()
    }
  })

  it('writes an IPv6 address as its sixteen bytes', () => {
    expect(bytesOfIPv6('2002:7f00:1::1').toString('hex')).toBe('20027f00000100000000000000000001')
    expect(bytesOfIPv6('::').toString('hex')).toBe('0'.repeat(32))
  })
})

describe('formatOutcome', () => {
  it('tells time of what was refused, and size of what was read', () => {
    expect(formatOutcome({ kind: 'refused', ms: 2.4, bytes: 0 })).toBe('refused 2 ms')
    expect(formatOutcome({ kind: 'waiting', ms: 12_004, bytes: 0 })).toBe('waits 12.0 s')
    expect(formatOutcome({ kind: 'read', ms: 2, bytes: 497 })).toBe('read 497 B')
    expect(formatOutcome({ kind: 'read', ms: 2, bytes: 97_221 })).toBe('read 97 kB')
    expect(formatOutcome({ kind: 'read', ms: 2, bytes: 20_000_000 })).toBe('read 20 MB')
  })
})
