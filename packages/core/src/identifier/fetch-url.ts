import type { Violation } from '../failure/finding.ts'
import { hostRule, portRule } from './host-rules.ts'
import { presentUrl } from './presented-url.ts'

export type FetchUrlResult = { readonly ok: true; readonly url: URL } | ({ readonly ok: false } & Violation)

/**
 * Decides whether a URL that a stranger named may be asked for at all, before any name is looked up: https, without
 * credentials, at a public host name and an allowed port (FET-13, FET-19, CID-15). An IP literal passes: it is for the
 * judgement of addresses. Unlike `parseClientIdUrl` it does not mind how the URL is spelt.
 */
export function judgeFetchUrl(raw: string, allowedPorts: readonly number[] = [443]): FetchUrlResult {
  const url = URL.parse(raw)
  if (url === null) return refuse('url_unparsable', 'FET-19', 'the URL cannot be parsed')
  if (url.protocol !== 'https:') return refuse('url_scheme', 'FET-19', 'the scheme is not https')
  if (url.username !== '' || url.password !== '') {
    return refuse('url_userinfo', 'FET-25', 'the URL holds credentials')
  }
  const presented = presentUrl(url.href)
  const violation = [...hostRule(presented), ...portRule(presented, allowedPorts)].find(
    ({ code }) => code !== 'host_ip_literal',
  )
  return violation === undefined ? { ok: true, url } : { ok: false, ...violation }
}

function refuse(code: Violation['code'], rule: string, detail: string): FetchUrlResult {
  return { ok: false, code, rule, detail }
}
