import type { Command } from 'commander'
import { wholeNumber } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { runDomainAccept, runDomainShow } from './domain.ts'
import type { StoreDeps } from './tenant.ts'

type AcceptOptions = Json & { readonly tenant: string; readonly era?: number }

/** `cimd domain` and what is below it. */
export function addDomain(program: Command, store: StoreDeps, finish: Finish): void {
  const domain = program.command('domain').description('in whose hands domains seem to be')
  define(domain, 'show', 'show what is remembered of a domain, and which of its owners tenants trust', {
    examples: ['cimd domain show example.com', 'cimd domain show app.example.com --json'],
    remark: DATABASE,
  })
    .argument('<domain>', 'a registrable domain, or a host below it')
    .action((host: string, { json }: Json) => finish(runDomainShow(store, { host, json })))
  define(domain, 'accept', 'accept the present owner of a domain for a tenant', {
    examples: ['cimd domain accept example.com --tenant my-tenant --era 2'],
    remark: `It counts for every client of the domain that the tenant uses.\n${DATABASE}`,
  })
    .argument('<domain>', 'a registrable domain, or a host below it')
    .requiredOption('--tenant <name>', 'which tenant')
    .option('--era <n>', 'only if the domain is still in this era', wholeNumber)
    .action((host: string, { tenant, era, json }: AcceptOptions) =>
      finish(runDomainAccept(store, { host, tenant, era, json })),
    )
}
