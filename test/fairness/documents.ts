import { type ClientIdUrl, parseClientIdUrl } from '@cimd/core'

/** Publishers the documents are spread over, so that the budget of no host is what decides. */
const HOSTS = 10

/** The identifier of one of the documents: the origin and whoever asks both know them by number. */
export function clientIdAt(index: number): ClientIdUrl {
  const parsed = parseClientIdUrl(`https://host-${index % HOSTS}.example.net/oauth/${index}/client.json`)
  if (!parsed.ok) throw new Error('not a client identifier URL')
  return parsed.value
}
