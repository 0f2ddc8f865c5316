import type { FailureCode } from '../failure/failure.ts'
import { type Finding, findingsAmong } from '../failure/finding.ts'
import type { JsonObject } from '../json/json.ts'
import { escapePointer } from '../json/json-position.ts'
import { isSymmetricMethod } from './auth-methods.ts'
import { findKeySetSecret, findPrivateKey } from './key-material.ts'
import { stringMember, stringsMember } from './member-types.ts'
import { readStatement } from './software-statement.ts'

type Rule = (document: JsonObject) => readonly Finding[]

/** Section 4.1 of the draft: nothing in a document may be, or need, a secret (DOC-05 to DOC-09, KEY-01). */
export const CREDENTIAL_RULES: readonly Rule[] = [
  forbiddenMembersRule,
  symmetricMethodRule,
  symmetricMethodsRule,
  symmetricAlgorithmRule,
  privateKeyRule,
]

function forbiddenMembersRule(document: JsonObject): readonly Finding[] {
  return ['client_secret', 'client_secret_expires_at']
    .filter((member) => Object.hasOwn(document, member))
    .map((member) => violation('forbidden_member', 'DOC-05', member, 'must not appear, whatever its value'))
}

function symmetricMethodRule(document: JsonObject): readonly Finding[] {
  const member = 'token_endpoint_auth_method'
  const method = stringMember(document, member)
  if (method === undefined || !isSymmetricMethod(method)) return []
  return [violation('symmetric_method', 'DOC-06', member, `${shown(method)} is based on a shared secret`)]
}

function symmetricMethodsRule(document: JsonObject): readonly Finding[] {
  const member = 'token_endpoint_auth_methods_supported'
  const value = document[member]
  if (!Array.isArray(value)) return []
  return findingsAmong(value, (method, index) => {
    if (typeof method !== 'string' || !isSymmetricMethod(method)) return undefined
    const detail = `${shown(method)} is based on a shared secret`
    return { ...violation('symmetric_method', 'DOC-08', member, detail), pointer: `/${member}/${index}` }
  })
}

const SIGNING_MEMBERS = [
  'token_endpoint_auth_signing_alg',
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'request_object_signing_alg',
  'introspection_signed_response_alg',
  'authorization_signed_response_alg',
  'backchannel_authentication_request_signing_alg',
]
const ENCRYPTION_MEMBERS = [
  'id_token_encrypted_response_alg',
  'userinfo_encrypted_response_alg',
  'request_object_encryption_alg',
  'introspection_encrypted_response_alg',
  'authorization_encrypted_response_alg',
]

// These algorithms of OpenID Connect take their key from the client secret that a document cannot have.
function symmetricAlgorithmRule(document: JsonObject): readonly Finding[] {
  const broken = (members: readonly string[], symmetric: RegExp) =>
    members.filter((member) => symmetric.test(stringMember(document, member) ?? ''))
  const none = stringMember(document, 'token_endpoint_auth_signing_alg') === 'none'
  return [
    ...broken(SIGNING_MEMBERS, /^HS\d/),
    ...broken(ENCRYPTION_MEMBERS, /^(?:dir|A\d+(?:GCM)?KW|PBES2-.*)$/),
    ...(none ? ['token_endpoint_auth_signing_alg'] : []),
  ].map((member) =>
    violation('symmetric_algorithm', 'DOC-09', member, 'names an algorithm without a public key'),
  )
}

/** One finding for each member: the rest of a leak is as public as its beginning. */
function privateKeyRule(document: JsonObject): readonly Finding[] {
  return Object.entries(document).flatMap(([member, value]) => {
    const within = member === 'jwks' ? findKeySetSecret(value) : findPrivateKey(value)
    if (within === undefined) return []
    const pointer = `/${escapePointer(member)}${within}`
    const rule = member === 'jwks' ? 'KEY-08' : 'DOC-07'
    return [{ ...violation('private_key', rule, member, 'holds private or symmetric key material'), pointer }]
  })
}

/** The same bans for the claims of a software statement, which override plain members where it is trusted (DOC-08, DOC-15). */
export function softwareStatementRule(document: JsonObject): readonly Finding[] {
  const member = 'software_statement'
  const statement = stringMember(document, member)
  if (statement === undefined) return []
  const read = readStatement(statement)
  if (read === undefined) {
    return [{ code: 'software_statement_unreadable', rule: 'DOC-15', member, detail: 'is not a JWT' }]
  }
  // What one reader of JSON sees and another does not could hide anything.
  if (!read.ok)
    return read.violations.map(({ code, detail }) => ({
      code,
      rule: 'DOC-08',
      member,
      detail: `${AMBIGUOUS}: ${detail}`,
    }))
  const ofHeader =
    findPrivateKey(read.header) === undefined
      ? []
      : [violation('private_key', 'DOC-08', member, 'its header holds a private key')]
  const ofClaims = CREDENTIAL_RULES.flatMap((rule) => rule(read.claims)).map(
    ({ code, member: claim, detail }) => ({
      ...{ code, rule: 'DOC-08', member },
      detail: `its claim ${claim} ${detail}`,
    }),
  )
  return [...ofHeader, ...ofClaims]
}

const AMBIGUOUS = 'can be read in more than one way'

/** The methods of the plural member, `undefined` if it is absent or no list (KEY-10). */
export function pluralMethods(document: JsonObject): readonly string[] | undefined {
  return stringsMember(document, 'token_endpoint_auth_methods_supported')
}

const METHOD_SHOWN_MAX = 64

function shown(method: string): string {
  return method.slice(0, METHOD_SHOWN_MAX)
}

function violation(code: FailureCode, rule: string, member: string, detail: string): Finding {
  return { code, rule, member, detail }
}
