import { parse } from 'tldts'

/** Who else may publish where a document is served (POL-08, POL-09). */
export type Hosting =
  /** Nobody that is known of. */
  | { readonly kind: 'own' }
  /** Everybody has a name of their own below this suffix. */
  | { readonly kind: 'shared_suffix'; readonly suffix: string }
  /** Everybody has paths of the same host, so that it says nothing of the publisher. */
  | { readonly kind: 'shared_host'; readonly host: string }
  /** A service makes documents for whoever asks. */
  | { readonly kind: 'cimd_service'; readonly host: string }

/** Where documents of others are kept: each name stands for itself and what is below it. */
export type HostingLists = {
  readonly cimdServices: readonly string[]
  readonly sharedHosts: readonly string[]
}

/** Known when this release was made; a deployment may have more. */
export const DEFAULT_HOSTING_LISTS: HostingLists = {
  // Section 8.10 and appendix A of the draft: they vouch for nobody (POL-09).
  cimdServices: ['cimd-service.fly.dev'],
  // The owner of a path is not the owner of the host, and the public suffix list knows hosts alone.
  sharedHosts: [
    ...['raw.githubusercontent.com', 'gist.githubusercontent.com', 'cdn.jsdelivr.net', 'cdn.statically.io'],
    ...['unpkg.com', 'esm.sh', 'raw.githack.com', 'gitlab.com', 'bitbucket.org', 'codeberg.org'],
    ...['huggingface.co', 'pastebin.com', 'storage.googleapis.com', 's3.amazonaws.com'],
  ],
}

/** Who else may publish on a host, which is in lower case and without port (POL-08, POL-09). */
export function hostingOf(host: string, lists: HostingLists = DEFAULT_HOSTING_LISTS): Hosting {
  const service = nameAbove(lists.cimdServices, host)
  if (service !== undefined) return { kind: 'cimd_service', host: service }
  const shared = nameAbove(lists.sharedHosts, host)
  if (shared !== undefined) return { kind: 'shared_host', host: shared }
  const { isPrivate, publicSuffix } = parse(host, { allowPrivateDomains: true })
  return isPrivate === true && publicSuffix !== null
    ? { kind: 'shared_suffix', suffix: publicSuffix }
    : { kind: 'own' }
}

// The dot belongs to what is compared: `evilunpkg.com` is not below `unpkg.com`.
function nameAbove(names: readonly string[], host: string): string | undefined {
  return names.find((name) => host === name || host.endsWith(`.${name}`))
}
