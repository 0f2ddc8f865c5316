import { type ChainHead, type ChainVerdict, createChainVerifier, readAuditLine } from '@cimd/core'
import { chainAudit, type Db, exportAudit, noteAudit, type TenantAuditEntry, withTenant } from '@cimd/store'
import { identify, type TestStore } from './store-bundle.ts'

export const ACTOR = { kind: 'key', id: 'cimd_4f9a' } as const
export const PSEUDONYM = '5b6c1a52-3c9e-4f0b-8f63-0d4be2a1c977'

/** An entry such as every answer makes. */
export function decided(
  tenantId: string,
  clientId = 'https://app.example.net/client.json',
): TenantAuditEntry {
  return {
    ...{ tenantId, kind: 'resolve.decided', clientId, actor: ACTOR, subject: PSEUDONYM },
    data: { purpose: 'authorize', answer: 'ready', cache: { status: 'fresh' } },
  }
}

/** Notes as the api does it. */
export function noteAs(db: Db, ...entries: readonly TenantAuditEntry[]): Promise<void> {
  const [first] = entries
  if (first === undefined) throw new Error('nothing to note')
  return withTenant(db, first.tenantId, (trx) => noteAudit(trx, ...entries))
}

/** Chains all that waits. Returns how many entries. */
export async function chainAll({ scheduler }: Pick<TestStore, 'scheduler'>): Promise<number> {
  for (let entries = 0; ; ) {
    const { more, chained } = await chainAudit(scheduler, 1000)
    entries += chained
    if (!more) return entries
  }
}

/** A chain of so many entries of the first tenant. */
export async function chainOf(store: TestStore, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await noteAs(store.api, decided(store.tenant, identify()))
  await chainAll(store)
}

/** The export of a tenant, line by line, without line ends. */
export async function exportOf(db: Db, tenantId: string): Promise<readonly string[]> {
  const pieces: string[] = []
  for await (const piece of exportAudit(db, tenantId)) pieces.push(piece)
  return pieces.join('').split('\n').slice(0, -1)
}

/** What the verifier says of an export. */
export function verifyLines(lines: readonly string[], heads: readonly ChainHead[] = []): ChainVerdict {
  const [first = '', ...entries] = lines
  const reading = readAuditLine(first)
  if (!reading.ok || reading.value.kind !== 'header') throw new Error('an export begins with its header')
  const verifier = createChainVerifier({ ...reading.value.header, heads })
  for (const line of entries) verifier.feed(line)
  return verifier.finish()
}
