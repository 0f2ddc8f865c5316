import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type ClientMetadata,
  changeClasses,
  compareMetadata,
  parseClientIdUrl,
  parseClientMetadata,
} from '@cimd/core'
import { describe, expect, it } from 'vitest'

// Documents that people really publish, where the collection is at hand; test/fixtures has a few of them.
const FOLDER = fileURLToPath(new URL('../../shared/corpus/', import.meta.url))

type Entry = { readonly file: string; readonly client_id: string | null; readonly notes: string }

const read = (name: string) => readFileSync(`${FOLDER}${name}`)
const entries: readonly Entry[] = existsSync(FOLDER) ? JSON.parse(read('index.json').toString()) : []
const present = entries.filter(({ file }) => existsSync(`${FOLDER}${file}`))

/** Codes for which a document is refused, judged by the client_id that it is published under. */
function refusals({ file, client_id: clientId }: Entry): readonly string[] {
  const identified = parseClientIdUrl(clientId ?? '')
  if (!identified.ok) return identified.violations.map(({ code }) => code)
  const parsed = parseClientMetadata(read(file), identified.value)
  return parsed.ok ? [] : parsed.violations.map(({ code }) => code)
}

function metadataOf(entry: Entry): ClientMetadata | undefined {
  const identified = parseClientIdUrl(entry.client_id ?? '')
  const parsed = identified.ok ? parseClientMetadata(read(entry.file), identified.value) : undefined
  return parsed?.ok ? parsed.metadata : undefined
}

// A clone by itself has the documents of test/fixtures only, and nothing is skipped for that.
if (present.length === 0)
  it('has no collection of published documents beside it', () => expect(entries).toEqual([]))
else
  describe('published documents', () => {
    it('are refused for what a strict reading of the rules demands, and for nothing else', () => {
      const codes = new Set(present.flatMap(refusals))
      // Of unregistered members, unsupported grants, http links and missing methods there is none.
      expect([...codes].toSorted()).toEqual(
        [
          ...[
            'client_id_mismatch',
            'client_id_missing',
            'host_ip_literal',
            'host_single_label',
            'host_special_use',
          ],
          ...['json_invalid', 'member_type', 'non_canonical', 'port_not_allowed', 'redirect_uri_character'],
          ...['redirect_uri_not_absolute', 'redirect_uris_missing', 'symmetric_method', 'uri_member_invalid'],
          ...['url_host_missing', 'url_path_missing', 'url_scheme', 'url_unparsable'],
        ].filter((code) => codes.has(code)),
      )
    })

    it.each(['227', '228', '229', '230', '231', '232', '233'])(
      'of well-known clients are accepted with at most warnings: %s',
      (number) => {
        const entry = present.find(({ file }) => file === `${number}.json`)
        expect(entry && refusals(entry)).toEqual([])
      },
    )

    it('say in what sense one version differs from the one before', () => {
      const byClient = Map.groupBy(present, ({ client_id: clientId }) => clientId)
      const pairs = [...byClient.values()].flatMap((versions) => {
        const documents = versions.map(metadataOf).filter((metadata) => metadata !== undefined)
        return documents.slice(1).map((after, index) => [documents[index], after] as const)
      })
      expect(pairs.length).toBeGreaterThan(10)
      for (const [before, after] of pairs) {
        if (before === undefined) continue
        const changes = compareMetadata(before, after)
        expect(changeClasses(compareMetadata(after, before)).length > 0).toBe(changes.length > 0)
        expect(compareMetadata(before, before)).toEqual([])
      }
    })
  })
