import { createSecureContext, type SecureContext } from 'node:tls'
import { type Authority, createAuthority, issueSelfSigned, type Leaf } from '../harness/authority.ts'
import type { TlsSetup } from './behaviours-tls.ts'

const DAY_MS = 86_400_000

/** What is wrong with a certificate. */
export type Flaw = keyof typeof FLAWED

type Issue = (authority: Authority, name: string) => Promise<Leaf>

const FLAWED = {
  none: (authority, name) => authority.issue([name]),
  expired: (authority, name) => authority.issue([name], { notBefore: inDays(-30), notAfter: inDays(-1) }),
  not_yet_valid: (authority, name) => authority.issue([name], { notBefore: inDays(1) }),
  wrong_name: (authority) => authority.issue(['somebody-else.example']),
  cn_only: (authority, name) => authority.issue([name], { commonNameOnly: true }),
  self_signed: (_authority, name) => issueSelfSigned(name),
  unknown_root: async (_authority, name) => (await createAuthority('Nobody trusts me')).issue([name]),
} as const satisfies Readonly<Record<string, Issue>>

/** What a server shows to a client that names nobody. */
const UNNAMED = 'unnamed.example'

export type Identities = {
  readonly unnamed: SecureContext
  of(name: string): Promise<SecureContext>
}

/** Certificates with the flaw of a set-up, made for whatever name is asked for and kept. */
export async function createIdentities(
  authority: Authority,
  { flaw = 'none', context = {} }: TlsSetup,
): Promise<Identities> {
  const issued = new Map<string, Promise<SecureContext>>()
  const issue = async (name: string) =>
    createSecureContext({ ...(await FLAWED[flaw](authority, name)), ...context })
  return {
    unnamed: await issue(UNNAMED),
    of: (name) => {
      const identity = issued.get(name) ?? issue(name)
      issued.set(name, identity)
      return identity
    },
  }
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS)
}
