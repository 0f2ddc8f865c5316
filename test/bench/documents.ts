import { type ClientIdUrl, parseClientIdUrl } from '@cimd/core'
import { documentOf } from '../harness/documents.ts'

/** Documents the origin publishes: more than any run takes. */
export const DOCUMENTS = 10_000
/** Publishers they are spread over. */
export const HOSTS = 50

/** The identifier of one of the documents: the origin and the bench both know them by number. */
export function clientIdAt(index: number): ClientIdUrl {
  const parsed = parseClientIdUrl(`https://host-${index % HOSTS}.example.net/oauth/${index}/client.json`)
  if (!parsed.ok) throw new Error('not a client identifier URL')
  return parsed.value
}

/** What is published there: half a kilobyte, as most documents are. */
export function documentAt(index: number): Record<string, unknown> {
  const { origin } = new URL(clientIdAt(index))
  return documentOf(clientIdAt(index), {
    client_uri: origin,
    logo_uri: `${origin}/logo.png`,
    redirect_uris: [`${origin}/callback`, `${origin}/callback/silent`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'openid profile email offline_access',
    token_endpoint_auth_method: 'none',
    application_type: 'web',
    dpop_bound_access_tokens: true,
  })
}
