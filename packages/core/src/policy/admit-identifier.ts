import type { ClientIdUrlResult } from '../identifier/client-id-url.ts'
import { splitUri, type UriParts } from '../identifier/uri.ts'
import { isWithinDomain, matchesHost } from './host-pattern.ts'
import { type ListName, matchesPath } from './path-pattern.ts'
import type { PolicyRule, TrustPolicy } from './policy-schema.ts'
import { type PolicyReason, type PolicyVerdict, refusal, verdictOf } from './policy-verdict.ts'

/** What of a client identifier URL a policy is asked about, as `parseClientIdUrl` gives it. */
export type PolicyIdentifier = Pick<
  Extract<ClientIdUrlResult, { readonly ok: true }>,
  'value' | 'host' | 'port' | 'registrableDomain'
>

export type IdentifierVerdict = PolicyVerdict & {
  /** The rules that allow it, as pointers into the policy; not asked for in the modes without. */
  readonly allowedBy: readonly string[]
}

/**
 * The first step of a policy, before any name is looked up (POL-02 to POL-04, POL-06, CID-04, CID-08, CID-09): whether a
 * client may be fetched at all. A block counts before everything; a registration before stands for a rule that allows. The
 * order of rules decides nothing but the order of reasons. Its cost is a few comparisons of strings for each rule.
 */
export function admitIdentifier(
  policy: TrustPolicy,
  identifier: PolicyIdentifier,
  { preRegistered }: { readonly preRegistered: boolean },
): IdentifierVerdict {
  const parts = splitUri(identifier.value)
  const asksAllow = policy.mode === 'allowlist' || policy.mode === 'review'
  const allowedBy = asksAllow ? matching(policy, 'allow', identifier, parts).map(({ at }) => at) : []
  const reasons = [
    ...blocks(policy, identifier, parts),
    ...(preRegistered || allowedBy.length > 0 ? [] : strangerReasons(policy, identifier)),
    ...formReasons(policy, identifier, parts),
  ]
  return { ...verdictOf(reasons), allowedBy }
}

function matching(
  policy: TrustPolicy,
  list: ListName,
  identifier: PolicyIdentifier,
  parts: UriParts,
): readonly { readonly rule: PolicyRule; readonly at: string }[] {
  return policy[list].flatMap((rule, index) =>
    matchesRule(rule, list, identifier, parts) ? [{ rule, at: `/${list}/${index}` }] : [],
  )
}

function blocks(policy: TrustPolicy, identifier: PolicyIdentifier, parts: UriParts): readonly PolicyReason[] {
  return matching(policy, 'block', identifier, parts).map(({ rule, at }) =>
    refusal('blocked', at, `The block of ${nameOf(rule)} is of this client_id.`),
  )
}

function nameOf({ host, domain, path = '', port }: PolicyRule): string {
  return `${host ?? domain}${port === undefined ? '' : `:${port}`}${path}`
}

function strangerReasons(policy: TrustPolicy, { host }: PolicyIdentifier): readonly PolicyReason[] {
  switch (policy.mode) {
    case 'open':
      return []
    case 'review':
      // An empty list means that anybody may ask for approval: nobody is admitted by that.
      return policy.allow.length === 0 ? [] : [notAllowed(host)]
    case 'allowlist':
      return [notAllowed(host)]
    case 'pre_registered':
      return [refusal('not_pre_registered', '/mode', 'The client_id was not registered before.')]
  }
}

function notAllowed(host: string): PolicyReason {
  return refusal('not_allowed', '/allow', `No rule allows ${host} with this path and port.`)
}

function formReasons(
  { ports, paths }: TrustPolicy,
  { port }: PolicyIdentifier,
  { path, query }: UriParts,
): readonly PolicyReason[] {
  const reasons: PolicyReason[] = []
  if (ports !== null && !ports.includes(port)) {
    reasons.push(refusal('port_refused', '/ports', `Port ${port} is none of ${ports.join(', ')}.`))
  }
  if (paths.query === 'refuse' && query !== undefined) {
    reasons.push(refusal('query_refused', '/paths/query', 'The client_id has a query.'))
  }
  if (paths.root_path === 'refuse' && path === '/') {
    reasons.push(refusal('root_path_refused', '/paths/root_path', 'The path of the client_id is only "/".'))
  }
  return reasons
}

// Where the two lists differ, what is in doubt is kept out: another port or query may be somebody else's.
function matchesRule(
  rule: PolicyRule,
  list: ListName,
  identifier: PolicyIdentifier,
  { path, query }: UriParts,
): boolean {
  const { port } = identifier
  if ((rule.port ?? (list === 'allow' ? 443 : port)) !== port) return false
  if (!(list === 'allow' ? isAllowedName(rule, identifier) : isBlockedName(rule, identifier.host)))
    return false
  if (rule.path === undefined) return true
  return matchesPath(rule.path, path, list) && (list === 'block' || query === undefined)
}

// With a public suffix in between, as in bucket.s3.amazonaws.com, the host is not of the owner that the rule names (POL-08).
function isAllowedName(
  { host: pattern, domain }: PolicyRule,
  { host, registrableDomain }: PolicyIdentifier,
): boolean {
  if (domain !== undefined) return registrableDomain === domain
  if (pattern === undefined || !matchesHost(pattern, host)) return false
  return !pattern.startsWith('*.') || isWithinDomain(registrableDomain, pattern.slice(2))
}

function isBlockedName({ host: pattern, domain }: PolicyRule, host: string): boolean {
  if (domain !== undefined) return isWithinDomain(domain, host)
  return pattern !== undefined && matchesHost(pattern, host)
}
