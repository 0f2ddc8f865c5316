import { readFileSync } from 'node:fs'
import { SPECIAL_USE_BLOCKS } from '@cimd/egress'
import { describe, expect, it } from 'vitest'
import { parseRegistry, REGISTRIES } from '../infra/registries/registry.ts'

const HEADER =
  'Address Block,Name,RFC,Allocation Date,Termination Date,Source,Destination,Forwardable,Globally Reachable,Reserved-by-Protocol'

const filler = Array.from(
  { length: 20 },
  (_, at) => `10.${at}.0.0/16,Filler,[RFC1918],1996-02,N/A,True,True,True,False,False`,
)

/** A registry with the given rows after enough others. */
const registryOf = (...rows: string[]) => parseRegistry([HEADER, ...filler, ...rows].join('\r\n')).slice(20)

describe(parseRegistry, () => {
  it('FET-17: reads footnotes, two blocks in a cell, quotes and line breaks, as IANA writes them', () => {
    expect(
      registryOf(
        '192.0.0.0/24 [2],IETF Protocol Assignments,"[RFC6890], Section 2.1",2010-01,N/A,False,False,False,False,False',
        '"192.0.0.170/32, 192.0.0.171/32",NAT64/DNS64 Discovery,"[RFC8880][RFC7050], Section 2.2",2013-02,N/A,,,,,',
        '0.0.0.0/8,"""This network""","[RFC791], Section 3.2",1981-09,N/A,True,False,False,False,True',
        'fc00::/7,Unique-Local,"[RFC4193]\r\n        [RFC8190]",2005-10,N/A,True,True,True,False [4],False',
      ),
    ).toEqual([
      { block: '192.0.0.0/24', name: 'IETF Protocol Assignments', rfc: 'RFC 6890' },
      { block: '192.0.0.170/32', name: 'NAT64/DNS64 Discovery', rfc: 'RFC 8880, RFC 7050' },
      { block: '192.0.0.171/32', name: 'NAT64/DNS64 Discovery', rfc: 'RFC 8880, RFC 7050' },
      { block: '0.0.0.0/8', name: 'This network', rfc: 'RFC 791' },
      { block: 'fc00::/7', name: 'Unique-Local', rfc: 'RFC 4193, RFC 8190' },
    ])
  })

  it('refuses what is not the registry rather than keeping an empty table', () => {
    expect(() => parseRegistry('<html><body>404</body></html>')).toThrow()
    expect(() => parseRegistry(HEADER)).toThrow()
    expect(() => parseRegistry(`${HEADER}\n${filler.slice(0, 5).join('\n')}`)).toThrow()
  })
})

describe('the registries in use', () => {
  it.each(REGISTRIES)('FET-17: $file is all refused', ({ file }) => {
    const rows: { block: string }[] = JSON.parse(readFileSync(file, 'utf8'))
    const refused = new Set(SPECIAL_USE_BLOCKS.map(({ block }) => block))
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.filter(({ block }) => !refused.has(block))).toEqual([])
  })
})
