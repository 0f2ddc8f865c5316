import { parse } from 'csv-parse/sync'
import { z } from 'zod'

/** Where IANA publishes the special-purpose address registries (RFC 6890), and the file each is kept in. */
export const REGISTRIES = [
  {
    url: 'https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry-1.csv',
    file: 'packages/egress/src/registries/iana-ipv4-special-registry.json',
  },
  {
    url: 'https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry-1.csv',
    file: 'packages/egress/src/registries/iana-ipv6-special-registry.json',
  },
] as const

const csvRow = z.object({ 'Address Block': z.string().min(1), Name: z.string().min(1), RFC: z.string() })

/** One address block as it is kept: every one is refused, whatever the registry says of its reachability (FET-17). */
export type RegistryRow = { readonly block: string; readonly name: string; readonly rfc: string }

/** Reads a registry as IANA publishes it: footnote marks, two blocks in one cell, line breaks within cells. Throws. */
export function parseRegistry(csv: string): readonly RegistryRow[] {
  const rows = z
    .array(csvRow)
    .min(20)
    .parse(parse(csv, { columns: true, skip_empty_lines: true }))
  return rows.flatMap((row) =>
    row['Address Block'].split(',').map((block) => ({
      block: block.replace(/\[\d+\]/, '').trim(),
      name: row.Name.replaceAll('"', '').replaceAll(/\s+/g, ' ').trim(),
      rfc: [...row.RFC.matchAll(/\[RFC(\d+)\]/g)].map(([, number]) => `RFC ${number}`).join(', '),
    })),
  )
}
