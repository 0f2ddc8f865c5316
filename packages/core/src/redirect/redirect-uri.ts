import type { FailureCode } from '../failure/failure.ts'
import { isUriText, splitUri } from '../identifier/uri.ts'

/** What a redirect URI points at, or why it cannot be one (RED-04, RED-08, RED-09). */
export type RedirectUriVerdict =
  | { readonly kind: 'https' | 'private_use' }
  | { readonly kind: 'loopback'; readonly host: string }
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly rule: string; readonly detail: string }

/** A loopback http URI without its port, which is chosen when the app runs (RED-02). */
export type LoopbackUri = { readonly host: string; readonly port: string | undefined; readonly rest: string }

const REFUSED_SCHEMES: ReadonlySet<string> = new Set([
  ...['about', 'blob', 'data', 'file', 'filesystem', 'intent', 'jar', 'javascript', 'livescript'],
  ...['mocha', 'shortcuts', 'vbscript', 'view-source', 'ws', 'wss'],
])
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::([1-9]\d{0,4}))?((?:[/?].*)?)$/s
const PORT_MAX = 65_535
const LOOPBACK_ANYHOW = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d*)?(?:[/?]|$)/i

/** Whether a scheme runs script, reads local data or opens no page, so that no URI of a document may have it (RED-08, FET-19). */
export function isRefusedScheme(scheme: string): boolean {
  return REFUSED_SCHEMES.has(scheme.toLowerCase())
}

/** Judges one entry of redirect_uris as the string it is (RED-04, RED-08, RED-09). */
export function judgeRedirectUri(uri: string): RedirectUriVerdict {
  const { scheme, authority, path, fragment } = splitUri(uri)
  if (!isUriText(uri))
    return refused('redirect_uri_character', 'RED-04', 'holds a character that no URI may hold')
  if (uri.includes('*')) return refused('redirect_uri_wildcard', 'RED-09', 'holds a wildcard')
  if (scheme === undefined || !URL.canParse(uri))
    return refused('redirect_uri_not_absolute', 'RED-04', 'is not an absolute URI')
  if (fragment !== undefined) return refused('redirect_uri_fragment', 'RED-04', 'has a fragment')
  if (isRefusedScheme(scheme))
    return refused('redirect_uri_scheme', 'RED-08', 'has a scheme that cannot be redirected to')
  switch (scheme.toLowerCase()) {
    case 'https':
      return /^https:\/\/[^/?]/i.test(uri)
        ? { kind: 'https' }
        : refused('redirect_uri_not_absolute', 'RED-04', 'names no host')
    case 'http':
      return judgeHttp(uri)
    default:
      return path === '' && authority === undefined
        ? refused('redirect_uri_not_absolute', 'RED-04', 'names nothing')
        : { kind: 'private_use' }
  }
}

/** Splits the port off an http URI on 127.0.0.1, [::1] or localhost; `undefined` for any other URI (RED-02, RED-03). */
export function splitLoopbackUri(uri: string): LoopbackUri | undefined {
  const match = LOOPBACK.exec(uri)
  if (match === null) return undefined
  // Host and rest take part in every match, if only as an empty string.
  const [, host, port, rest] = match as unknown as readonly [string, string, string | undefined, string]
  return Number(port ?? 0) > PORT_MAX ? undefined : { host, port, rest }
}

function judgeHttp(uri: string): RedirectUriVerdict {
  const loopback = splitLoopbackUri(uri)
  if (loopback) return { kind: 'loopback', host: loopback.host }
  const detail = LOOPBACK_ANYHOW.test(uri)
    ? 'is http on loopback, but not in lower case, or with a port that is not written as 1 to 65535'
    : 'is http on a host other than 127.0.0.1, [::1] and localhost'
  return refused('redirect_uri_http', 'RED-08', detail)
}

function refused(code: FailureCode, rule: string, detail: string): RedirectUriVerdict {
  return { kind: 'refused', code, rule, detail }
}
