import { renderConfiguration, renderEnvironmentExample } from './configuration.ts'
import { renderConsentDisplay } from './consent-display.ts'
import { renderEventSchema, renderEvents } from './events.ts'
import { renderFailures } from './failures.ts'
import { renderLifecycle } from './lifecycle.ts'
import { renderNetworkPolicy, renderNftRules, renderSquidAccess } from './network-rules.ts'
import { renderPolicySchema } from './policy.ts'

/** Files made from the sources, by path from the root of the repository. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  '.env.example': renderEnvironmentExample,
  'docs/configuration.md': renderConfiguration,
  'docs/consent-display.md': renderConsentDisplay,
  'docs/events.md': renderEvents,
  'docs/events.schema.json': renderEventSchema,
  'docs/failures.md': renderFailures,
  'docs/lifecycle.md': renderLifecycle,
  'docs/policy.schema.json': renderPolicySchema,
  'infra/egress/fetcher.nft': renderNftRules,
  'infra/egress/networkpolicy.yaml': renderNetworkPolicy,
  'infra/egress/squid-access.conf': renderSquidAccess,
}
