import { trustPolicyJsonSchema } from '@cimd/core'

/** `docs/policy.schema.json`: the trust policy of a tenant as JSON Schema 2020-12. */
export function renderPolicySchema(): string {
  return `${JSON.stringify(trustPolicyJsonSchema(), undefined, 2)}\n`
}
