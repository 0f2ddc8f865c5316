import { getDomain } from 'tldts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { isHostPattern } from './host-pattern.ts'
import type { PolicyProblem } from './parse-policy.ts'
import type { ListName } from './path-pattern.ts'

/** What is wrong with a policy although it is of the right form: it is looked at whatever its form is, so that all is told at once. */
export function senseProblems(value: unknown): readonly PolicyProblem[] {
  // It came as JSON, or it has other problems.
  const policy = value as JsonValue
  if (!isJsonObject(policy)) return []
  return [...unusedAllow(policy), ...rulesProblems(policy, 'allow'), ...rulesProblems(policy, 'block')]
}

// Whoever lists whom to allow and forgets the mode would have everybody admitted.
function unusedAllow({ mode = 'open', allow }: JsonObject): readonly PolicyProblem[] {
  const isUnused = mode === 'open' || mode === 'pre_registered'
  if (!isUnused || !Array.isArray(allow) || allow.length === 0) return []
  return [
    {
      pointer: '/allow',
      detail: `has no effect in the mode ${mode}`,
      advice: 'Write the mode allowlist or review, or leave the list out.',
    },
  ]
}

function rulesProblems(policy: JsonObject, list: ListName): readonly PolicyProblem[] {
  const rules = policy[list]
  if (!Array.isArray(rules)) return []
  return rules.flatMap((rule, index) =>
    isJsonObject(rule) ? ruleProblems(rule, list, `/${list}/${index}`) : [],
  )
}

function ruleProblems(rule: JsonObject, list: ListName, pointer: string): readonly PolicyProblem[] {
  const { host, domain } = rule
  const one =
    (host === undefined) === (domain === undefined)
      ? [{ pointer, detail: 'has not exactly one of host and domain', advice: 'Write one of the two.' }]
      : []
  return [
    ...one,
    ...(isHost(host) && list === 'allow' ? suffixProblems(host, `${pointer}/host`) : []),
    ...(isHost(domain) ? domainProblems(domain, `${pointer}/domain`) : []),
  ]
}

// Of what is no name the form is wrong already.
function isHost(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && isHostPattern(value)
}

// Below a public suffix anybody may have a name (POL-08).
function suffixProblems(host: string, pointer: string): readonly PolicyProblem[] {
  if (!host.startsWith('*.') || registered(host.slice(2)) !== null) return []
  const advice = 'Name the hosts or registrable domains that are meant.'
  return [{ pointer, detail: 'allows whoever has a name below a public suffix', advice }]
}

function domainProblems(domain: string, pointer: string): readonly PolicyProblem[] {
  const name = registered(domain)
  if (name === domain) return []
  if (name === null) {
    const advice = 'Name a registrable domain below it; a block may have the host *. and the suffix.'
    return [{ pointer, detail: 'is a public suffix, which belongs to nobody', advice }]
  }
  const advice = `Write the domain ${name}, or the host ${domain} or *.${domain}.`
  return [{ pointer, detail: `is below the registrable domain ${name}`, advice }]
}

function registered(host: string): string | null {
  return getDomain(host, { allowPrivateDomains: true })
}
