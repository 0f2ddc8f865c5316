import { isSymmetricMethod } from '../document/auth-methods.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { pluralMethods } from '../document/credential-rules.ts'
import type { CapabilityProblem } from './capability-problems.ts'

/** Methods whose proof cannot be replayed by whoever sees it; their order says nothing (KEY-13). */
const KEY_METHODS: ReadonlySet<string> = new Set([
  ...['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  ...['attest_jwt_client_auth', 'spiffe_jwt', 'spiffe_x509'],
])

/**
 * How much a method proves: 0 nothing, 2 the possession of a key, 1 for a name we do not know, which is assumed to
 * prove less than one we do (KEY-11, KEY-13). Absent is read as none (KEY-09).
 */
export function authMethodRank(method: string | undefined): 0 | 1 | 2 {
  if (method === undefined || method === 'none') return 0
  return KEY_METHODS.has(method) ? 2 : 1
}

/** What of a document decides about client authentication. */
export type AuthMethodPolicy = Pick<ClientMetadata, 'token_endpoint_auth_method'> & {
  readonly [member: string]: ClientMetadata[string]
}

export type AuthMethodChoice =
  | {
      readonly ok: true
      readonly method: string
      /** Which member it was taken from; `default` where neither is there (KEY-09). */
      readonly source: 'declared' | 'plural' | 'default'
      /** The client declares a stronger method than this one, and permits this one as well (KEY-11). */
      readonly downgraded: boolean
    }
  | {
      readonly ok: false
      readonly problem: Extract<CapabilityProblem, 'no_common_auth_method' | 'auth_method_downgrade'>
    }

/**
 * The method by which a client authenticates at a server that supports some (KEY-03, KEY-09 to KEY-11): the declared
 * one if the server has it; else the strongest of the plural; none where nothing is declared. A method weaker than
 * the declared one is chosen only where the plural lists it. A shared secret is never chosen, whatever the server has
 * (KEY-01).
 */
export function chooseAuthMethod(document: AuthMethodPolicy, supported: readonly string[]): AuthMethodChoice {
  const declared = document.token_endpoint_auth_method
  const plural = pluralMethods(document)
  const usable = supported.filter((method) => !isSymmetricMethod(method))
  if (declared !== undefined && usable.includes(declared)) return chosen(declared, 'declared', declared)
  const strongest = strongestOf((plural ?? []).filter((method) => usable.includes(method)))
  if (strongest !== undefined) return chosen(strongest, 'plural', declared)
  if (declared === undefined && plural === undefined && usable.includes('none')) {
    return chosen('none', 'default', declared)
  }
  // Told apart because the one is a matter of the server's features and the other of its safety.
  const weaker = authMethodRank(declared) > 0 && usable.includes('none')
  return { ok: false, problem: weaker ? 'auth_method_downgrade' : 'no_common_auth_method' }
}

function chosen(
  method: string,
  source: 'declared' | 'plural' | 'default',
  declared: string | undefined,
): AuthMethodChoice {
  return { ok: true, method, source, downgraded: authMethodRank(method) < authMethodRank(declared) }
}

function strongestOf(methods: readonly string[]): string | undefined {
  // The sort is stable: among equals the client's own order counts.
  return methods.toSorted((a, b) => authMethodRank(b) - authMethodRank(a))[0]
}
