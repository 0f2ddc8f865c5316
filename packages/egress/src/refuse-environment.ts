const NAMES: ReadonlySet<string> = new Set([
  'HOSTALIASES',
  'LOCALDOMAIN',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'RES_OPTIONS',
  'SSLKEYLOGFILE',
])

// Spelled out, because npm gives its scripts npm_config_https_proxy and the like, which nothing here reads.
const PROXY_NAME = /^(?:all|ftp|http|https|no|socks)_proxy$/i

/**
 * Names of set variables that would weaken TLS or divert names and connections: the fetcher refuses to start with
 * any of them (FET-16, FET-24). Our own code is immune to each; this guards against the day it is not.
 */
export function dangerousEnvironment(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env)
    .filter((name) => NAMES.has(name) || PROXY_NAME.test(name))
    .filter((name) => env[name] !== undefined && env[name] !== '')
    .sort()
}
