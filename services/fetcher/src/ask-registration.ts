import {
  type ContinuityJudgement,
  type FetchResource,
  parseRegistration,
  registrableDomainOf,
  type TakeBudget,
} from '@cimd/core'
import type { RegistrationSeen } from '@cimd/store'

/** What asking a registry needs from the world. */
export type AskRegistrationDeps = {
  /** With `{domain}` where the domain belongs. */
  readonly urlTemplate: string
  readonly takeBudget: TakeBudget
  /** One question a day for each domain. */
  readonly takeQuestion: (domain: string) => Promise<boolean>
  readonly fetchResource: FetchResource
  readonly observe: (seen: RegistrationSeen) => Promise<ContinuityJudgement | undefined>
}

/**
 * Asks the RDAP server of the deployment when the domain of a host was registered and when that ends, and judges by it whose
 * the domain is (CHG-05, RFC 9083). Nobody waits for it: where the budget has no room it is left for another day. Undefined:
 * nothing was learned.
 */
export async function askRegistration(
  deps: AskRegistrationDeps,
  { host, at }: { readonly host: string; readonly at: Date },
  signal: AbortSignal,
): Promise<ContinuityJudgement | undefined> {
  const domain = registrableDomainOf(host)
  const url = registrationUrl(deps.urlTemplate, domain)
  const target = new URL(url).hostname
  const budget = await deps.takeBudget({ host: target, domain: registrableDomainOf(target), urgent: false })
  if (budget.kind === 'deferred') return undefined
  try {
    if (!(await deps.takeQuestion(domain))) return undefined
    const result = await deps.fetchResource({ url, resource: 'registration' }, signal)
    const registration = result.kind === 'fetched' ? parseRegistration(result.body, domain) : undefined
    return registration && (await deps.observe({ domain, registration, at }))
  } finally {
    await budget.release()
  }
}

function registrationUrl(template: string, domain: string): string {
  return template.replaceAll('{domain}', encodeURIComponent(domain))
}
