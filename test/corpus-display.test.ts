import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type ConsentDisplay,
  consentDisplay,
  hostingOf,
  parseClientIdUrl,
  parseClientMetadata,
  reputationOf,
} from '@cimd/core'
import { describe, expect, it } from 'vitest'

// Documents that people really publish, where the collection is at hand.
const FOLDER = fileURLToPath(new URL('../../shared/corpus/', import.meta.url))
const NOW = new Date('2026-11-01T00:00:00Z')

type Entry = { readonly file: string; readonly client_id: string | null }

const read = (name: string) => readFileSync(`${FOLDER}${name}`)
const entries: readonly Entry[] = existsSync(FOLDER) ? JSON.parse(read('index.json').toString()) : []
const present = entries.filter(({ file }) => existsSync(`${FOLDER}${file}`))

function displayOf({ file, client_id: id }: Entry): ConsentDisplay | undefined {
  const identified = parseClientIdUrl(id ?? '')
  if (!identified.ok) return undefined
  const parsed = parseClientMetadata(read(file), identified.value)
  if (!parsed.ok) return undefined
  const used = { subjects: 0, domainSubjects: 0, domainClients: 1, firstSeen: undefined, lastSeen: undefined }
  const hosting = hostingOf(new URL(identified.value).hostname).kind
  const reputation = reputationOf(
    { ...used, reviewedAt: undefined, ownershipChangedAt: undefined, hosting },
    NOW,
  )
  return consentDisplay({ clientId: identified.value, metadata: parsed.metadata, reputation, now: NOW })
}

/** Each document that has a warning whose code begins so, with what it was found to resemble. */
function warned(prefix: string): Readonly<Record<string, unknown>> {
  const found = present.flatMap((entry) =>
    (displayOf(entry)?.warnings ?? [])
      .filter(({ code }) => code.startsWith(prefix))
      .map(({ params }) => [entry.file, params['resembles'] ?? params['found'] ?? params['host']]),
  )
  return Object.fromEntries(found)
}

if (present.length === 0)
  it('has no collection of published documents beside it', () => expect(entries).toEqual([]))
else
  describe('what is shown of published documents', () => {
    it('none of their hosts is taken for somebody else', () => {
      expect(warned('look_alike_')).toEqual({})
      expect(warned('mixed_scripts')).toEqual({})
    })

    it('those that bear the name of somebody widely known are no documents of theirs', () => {
      expect(warned('name_resembles')).toEqual({ '028.json': 'opencode.ai', '055.json': 'vscode.dev' })
    })

    it('the one that has a host in its name stands under a placeholder', () => {
      expect(warned('name_contains_host')).toEqual({ '174.json': 'userstyles.club' })
    })
  })
