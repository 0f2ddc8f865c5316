const NAMES: ReadonlySet<string> = new Set([
  'HOSTALIASES',
  'LOCALDOMAIN',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'OPENSSL_CONF',
  'RES_OPTIONS',
  'SSLKEYLOGFILE',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
])

// Spelled out, because npm gives its scripts npm_config_https_proxy and the like, which nothing here reads.
const PROXY_NAME = /^(?:all|ftp|http|https|no|socks)_proxy$/i

/**
 * Options of Node that do what the variables do; NODE_OPTIONS itself is in honest use for memory and tracing. A
 * configuration file may set any of them unseen.
 */
const DANGEROUS_OPTION =
  /^--(?:experimental-(?:default-)?config-file|insecure-http-parser|openssl-config|openssl-shared-config|openssl-legacy-provider|tls-cipher-list|tls-keylog|tls-m(?:ax|in)-v1|use-env-proxy|use-openssl-ca|use-system-ca)/

/**
 * Names of set variables, and of options among Node's arguments (`process.execArgv`), that would weaken TLS or divert
 * names and connections: the fetcher refuses to start with any of them (FET-16, FET-24). Our own code is immune to
 * each; this guards against the day it is not.
 */
export function dangerousEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): string[] {
  const variables = Object.keys(env).filter((name) => isDangerous(name, env[name] ?? ''))
  return [...variables.sort(), ...execArgv.filter(isDangerousOption).map(nameOf)]
}

function isDangerous(name: string, value: string): boolean {
  if (name === 'NODE_OPTIONS') return optionsIn(value).some(isDangerousOption)
  return value !== '' && (NAMES.has(name) || PROXY_NAME.test(name))
}

// Node drops quotes and escapes wherever they stand, also within a name.
function optionsIn(value: string): string[] {
  return value.replaceAll(/["\\]/g, '').split(' ')
}

// Node reads underscores in a name as hyphens.
function isDangerousOption(argument: string): boolean {
  return DANGEROUS_OPTION.test(nameOf(argument).replaceAll('_', '-'))
}

function nameOf(argument: string): string {
  return argument.replace(/=.*/s, '')
}
