import { registrableDomainOf } from '@cimd/core'
import { acceptOwner, type RememberedDomain, readDomain, withTenant } from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { formatInstant, say, sayFacts, sayJson, sayTable } from './print.ts'
import { getTenant, OPERATOR, type StoreDeps } from './tenant.ts'

type Json = { readonly json: boolean | undefined }

/** Tells what is remembered of the domain of a host, and which of its owners each tenant trusts. */
export async function runDomainShow(
  { output, withStore }: StoreDeps,
  { host, json }: Json & { readonly host: string },
): Promise<ExitCode> {
  const domain = registrableDomainOf(host.toLowerCase())
  const found = await withStore((db) => readDomain(db, domain))
  if (found === undefined) throw new Error(`nothing of ${domain} was ever valid`)
  const { standing, changedAt, eras } = found
  if (json) {
    sayJson(output, { domain, ...standing, changedAt: changedAt ?? null, tenants: eras })
    return 0
  }
  say(output, ['bold', domain])
  sayFacts(output, factsOf(found))
  if (eras.length > 0) {
    sayTable(
      output,
      ['TENANT', 'TRUSTS ERA'],
      eras.map(({ tenant, era }) => [tenant, era < standing.era ? `${era}, not the present one` : `${era}`]),
    )
  }
  return 0
}

function factsOf({ standing }: RememberedDomain): readonly (readonly [string, string])[] {
  const { era, eraSince, lastSeenAt, settled, recent, registration, absence } = standing
  const signals = recent?.signals ?? settled
  const shown: readonly (readonly [string, string | undefined])[] = [
    ['era', `${era}, since ${formatInstant(eraSince)}`],
    ['last valid', formatInstant(lastSeenAt)],
    ['name servers', signals.nameServers?.join(', ')],
    ['issuer', signals.certificateIssuer],
    ['key', signals.certificateKey],
    ['moved', recent && formatInstant(recent.since)],
    ['registered', registration?.registeredAt && formatInstant(registration.registeredAt)],
    ['expires', registration?.expiresAt && formatInstant(registration.expiresAt)],
    ['absent', absence && `${formatInstant(absence.from)} to ${formatInstant(absence.to)}`],
  ]
  return shown.flatMap(([label, text]) => (text === undefined ? [] : [[label, text] as const]))
}

/** Accepts the present owner of the domain of a host for a tenant. */
export async function runDomainAccept(
  { output, withStore }: StoreDeps,
  {
    host,
    tenant,
    era,
    json,
  }: Json & { readonly host: string; readonly tenant: string; readonly era: number | undefined },
): Promise<ExitCode> {
  const domain = registrableDomainOf(host.toLowerCase())
  const accepted = await withStore(async (db) => {
    const id = await getTenant(db, tenant)
    return withTenant(db, id, (trx) => acceptOwner(trx, { of: { domain }, era, by: OPERATOR }))
  })
  if (accepted === undefined) throw new Error(`"${tenant}" uses no client of ${domain}`)
  if (accepted.kind === 'is_other') throw new Error(`${domain} is in era ${accepted.era}: look once more`)
  if (json) sayJson(output, { tenant, domain, era: accepted.era })
  else say(output, `"${tenant}" trusts whoever has ${domain} now (era ${accepted.era}).`)
  return 0
}
