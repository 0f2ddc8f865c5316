import type { Finding } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import type { JsonObject } from '../json/json.ts'
import { redirectRules } from '../redirect/redirect-rules.ts'
import { CREDENTIAL_RULES, softwareStatementRule } from './credential-rules.ts'
import { authMethodRule, keyFormRule, keySourceRule } from './key-rules.ts'
import {
  applicationTypeRule,
  clientIdRule,
  grantResponseRule,
  meaninglessMembersRule,
  memberTypeRule,
  uriMembersRule,
} from './member-rules.ts'

type Rule = (document: JsonObject, clientId: ClientIdUrl) => readonly Finding[]

/** The rules a document is judged by, in the order in which their findings are reported: the gravest first. */
export const METADATA_RULES: readonly Rule[] = [
  clientIdRule,
  ...CREDENTIAL_RULES,
  softwareStatementRule,
  keySourceRule,
  memberTypeRule,
  redirectRules,
  uriMembersRule,
  keyFormRule,
  authMethodRule,
  applicationTypeRule,
  grantResponseRule,
  meaninglessMembersRule,
]
