import { readdirSync } from 'node:fs'
import { parseClientIdUrl, parseClientMetadata } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { DOCUMENTS, readDocument } from './fixtures/documents.ts'

describe('the documents of well-known clients', () => {
  it.each(DOCUMENTS)('parseClientMetadata accepts that of $name', (document) => {
    const identified = parseClientIdUrl(document.clientId)
    if (!identified.ok) throw new Error(`${document.clientId}: ${identified.code}`)
    const parsed = parseClientMetadata(new TextEncoder().encode(readDocument(document)), identified.value)
    expect(parsed).toMatchObject({ ok: true, metadata: { client_name: document.name } })
  })

  it('lists every file of its folder', () => {
    const files = readdirSync(new URL('fixtures/documents/', import.meta.url))
    expect(DOCUMENTS.map(({ file }) => file).sort()).toEqual(files.sort())
  })
})
