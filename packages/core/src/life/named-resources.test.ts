import { expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { namedResources } from './named-resources.ts'

const namedBy = (members: object) =>
  namedResources({ client_id: 'https://a.example/c', ...members } as ClientMetadata)

it('names the key set and the logo of a document, as they are asked for', () => {
  expect(namedBy({ jwks_uri: 'https://Keys.Example/jwks', logo_uri: 'https://a.example:443/l.png' })).toEqual(
    [
      { kind: 'jwks', url: 'https://keys.example/jwks', host: 'keys.example' },
      { kind: 'logo', url: 'https://a.example/l.png', host: 'a.example' },
    ],
  )
})

it.each(['http://a.example/l.png', 'data:image/png;base64,AAAA', '/l.png', ''])(
  'FET-13: follows no logo_uri %j',
  (logo_uri) => {
    expect(namedBy({ logo_uri })).toEqual([])
  },
)

it('names nothing of a document without either', () => {
  expect(namedBy({})).toEqual([])
})
