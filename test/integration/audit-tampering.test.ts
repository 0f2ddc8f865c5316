import { Readable } from 'node:stream'
import { runProgram } from '@cimd/cli/program'
import { type AuditEntry, entryHash } from '@cimd/core'
import { noteAuditCut, readAudit, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { chainAll, chainOf, decided, noteAs } from './audit-bundle.ts'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

const ENTRIES = 6

/** What somebody does to the tables who has made everything in them obey. */
type Tampering = {
  readonly what: string
  readonly by: (store: TestStore) => Promise<unknown>
  /** Heads that were kept elsewhere, by their places. */
  readonly kept?: readonly number[]
  /** Problem and place. */
  readonly found: readonly (readonly [kind: string, seq: number])[]
}

const run = (statement: string) => (store: TestStore) =>
  sql.raw(statement.replaceAll('$tenant', `'${store.tenant}'`)).execute(store.owner)

// The head in the store as somebody makes it who has taken away what came behind it.
const FORGET_HEAD = `
  update cimd.audit_heads h set seq = a.seq, hash = a.hash from cimd.audit a
  where a.tenant_id = h.tenant_id and a.seq = (select max(seq) from cimd.audit where tenant_id = h.tenant_id);`

const CASES: readonly Tampering[] = [
  {
    what: 'a member changed',
    by: run(`update cimd.audit set entry = jsonb_set(entry, '{data,answer}', '"refused"') where seq = 3`),
    found: [['changed', 3]],
  },
  {
    what: 'a hash changed',
    by: run(`update cimd.audit set hash = sha256('x') where seq = 3`),
    found: [['hash_altered', 3]],
  },
  {
    what: 'a previous hash changed',
    by: run(`update cimd.audit set previous_hash = sha256('x') where seq = 3`),
    found: [['previous_hash_altered', 3]],
  },
  {
    what: 'an entry removed in the middle',
    by: run('delete from cimd.audit where seq = 3'),
    found: [['removed', 3]],
  },
  {
    what: 'the end removed, with the head in the store',
    by: run(`delete from cimd.audit where seq > 4; ${FORGET_HEAD}`),
    kept: [6],
    found: [['truncated', 5]],
  },
  {
    what: 'an entry inserted',
    by: run(`insert into cimd.audit (tenant_id, seq, entry, hash, previous_hash)
      select tenant_id, seq, jsonb_set(entry, '{data,answer}', '"refused"'), sha256('x'), previous_hash
      from cimd.audit where seq = 3`),
    found: [['inserted', 3]],
  },
  {
    what: 'an entry duplicated',
    by: run(`insert into cimd.audit (tenant_id, seq, entry, hash, previous_hash)
      select tenant_id, seq, entry, hash, previous_hash from cimd.audit where seq = 3`),
    found: [['duplicated', 3]],
  },
  {
    what: 'two entries in another order',
    by: run('update cimd.audit set seq = 7 - seq where seq in (3, 4)'),
    found: [['reordered', 4]],
  },
  {
    what: 'the rest written anew from an entry on, with hashes that fit and the head in the store',
    by: rewriteFrom(3),
    kept: [2, 6],
    found: [['head_mismatch', 6]],
  },
  {
    what: "another tenant's entry in the place of an entry",
    by: async (store) => {
      for (let index = 0; index < 3; index += 1) await noteAs(store.api, decided(store.otherTenant))
      await chainAll(store)
      await run(`delete from cimd.audit where tenant_id = $tenant and seq = 3;
        update cimd.audit set tenant_id = $tenant where tenant_id <> $tenant and seq = 3`)(store)
    },
    found: [
      ['removed', 3],
      ['foreign_tenant', 3],
    ],
  },
  {
    what: 'the beginning removed without a cut',
    by: run('delete from cimd.audit where seq <= 2'),
    found: [['removed', 1]],
  },
  {
    what: 'the beginning removed, and a cut forged in the head',
    by: run(`update cimd.audit_heads h set anchor_seq = 2, anchor_hash = a.hash, anchor_count = 2, cut_at = now()
      from cimd.audit a where a.tenant_id = h.tenant_id and a.seq = 2;
      delete from cimd.audit where seq <= 2`),
    found: [['anchor_unconfirmed', 2]],
  },
  {
    what: 'all removed, and a cut of it all forged in the head',
    by: run(`update cimd.audit_heads set anchor_seq = seq, anchor_hash = hash, anchor_count = seq, cut_at = now();
      delete from cimd.audit`),
    found: [['anchor_unconfirmed', 6]],
  },
  {
    what: 'all rewritten, with a cut in it that goes further than the head that was kept',
    by: async (store) => {
      await rewriteFrom(1)(store)
      await noteAuditCut(store.operator, store.tenant, {
        before: new Date('2100-01-01'),
        actor: { kind: 'operator', id: 'cimd' },
      })
      await chainAll(store)
    },
    kept: [2, 5],
    found: [['head_cut_off', 5]],
  },
]

describeStore('cimd audit verify', () => {
  it('finds nothing wrong with a chain as it was written, and tells its head', async () => {
    await using store = await setup()
    await chainOf(store, ENTRIES)
    const { exitCode, told } = await verify(store, [])
    expect([exitCode, told.ok, told.entries, told.problems]).toEqual([0, true, ENTRIES, []])
    expect((await verify(store, [told.head])).exitCode).toBe(0)
  })

  it.each(CASES)('finds $what, and where', async ({ by, kept = [], found }) => {
    await using store = await setup()
    await chainOf(store, ENTRIES)
    const entries = await withTenant(store.api, store.tenant, (trx) => readAudit(trx, { limit: 100 }))
    const heads = entries.filter(({ seq }) => kept.includes(seq)).map(({ seq, hash }) => ({ seq, hash }))
    await sql
      .raw(`alter table cimd.audit disable trigger all;
        alter table cimd.audit drop constraint audit_pkey, drop constraint audit_place_of_entry`)
      .execute(store.owner)
    await by(store)
    const { exitCode, told } = await verify(store, heads)
    expect([exitCode, told.ok]).toEqual([1, false])
    expect(told.problems.map(({ kind, seq }) => [kind, seq])).toEqual(found)
  })

  it('tells how far a chain was rewritten that meets an older head', async () => {
    await using store = await setup()
    await chainOf(store, ENTRIES)
    const entries = await withTenant(store.api, store.tenant, (trx) => readAudit(trx, { limit: 100 }))
    await sql.raw('alter table cimd.audit disable trigger all').execute(store.owner)
    await rewriteFrom(4)(store)
    const heads = entries.filter(({ seq }) => seq === 2 || seq === 5).map(({ seq, hash }) => ({ seq, hash }))
    expect((await verify(store, heads)).told.problems).toEqual([
      expect.objectContaining({ kind: 'head_mismatch', seq: 5, after: 2 }),
    ])
  })
})

function rewriteFrom(from: number): Tampering['by'] {
  return async (store) => {
    const entries = await withTenant(store.api, store.tenant, (trx) => readAudit(trx, { limit: 100 }))
    let previous = entries.find(({ seq }) => seq === from)?.previousHash ?? ''
    for (const { seq, entry } of entries.filter(({ seq }) => seq >= from)) {
      const other = { ...entry, client_id: 'https://other.example.net/client.json' } as AuditEntry
      const hash = entryHash(previous, other)
      await sql`update cimd.audit set entry = ${JSON.stringify(other)}::jsonb, hash = decode(${hash}, 'hex'),
        previous_hash = decode(${previous}, 'hex') where tenant_id = ${store.tenant} and seq = ${seq}`.execute(
        store.owner,
      )
      previous = hash
    }
    await sql.raw(FORGET_HEAD).execute(store.owner)
  }
}

type Head = { readonly seq: number; readonly hash: string }
type Told = {
  readonly ok: boolean
  readonly entries: number
  readonly head: Head
  readonly problems: readonly { readonly kind: string; readonly seq: number }[]
}

async function verify(store: TestStore, heads: readonly Head[]): Promise<{ exitCode: number; told: Told }> {
  const written: string[] = []
  const sink = { write: (text: string) => written.push(text) }
  const refuse = () => Promise.reject(new Error('not asked for here'))
  const kept = heads.flatMap(({ seq, hash }) => ['--head', `${seq}:${hash}`])
  const exitCode = await runProgram(['audit', 'verify', '--tenant', 'first', '--json', ...kept], {
    ...{ version: '0', fetch: refuse, fetchDocument: refuse, readInput: refuse },
    openInput: () => Readable.from([]),
    environment: { CIMD_DATABASE_URL: store.url },
    output: { stdout: sink, stderr: sink, isTerminal: false },
    findStandalone: () => undefined,
    monotonicMs: () => performance.now(),
    sleep: refuse,
  })
  const text = written.join('')
  if (!text.startsWith('{')) throw new Error(text)
  return { exitCode, told: JSON.parse(text) }
}
