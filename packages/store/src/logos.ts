import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'
import type { WalkedBatch } from './retention.ts'

/** An image of our own encoding. */
export type StoredLogo = {
  readonly body: Uint8Array
  readonly contentType: 'image/png' | 'image/webp'
  /** In pixels. */
  readonly width: number
  readonly height: number
}

/**
 * Keeps a logo under the sha-256 of its bytes, which is returned in hex: what is stored is what is found. One that is
 * there already is kept anew, so that nobody deletes it before it is referred to.
 */
export async function saveLogo(db: Db | Transaction, logo: StoredLogo): Promise<string> {
  const { body, contentType, width, height } = logo
  const { rows } = await sql<{ digest: Buffer }>`
    insert into cimd.logos as l (digest, body, content_type, width, height)
    values (sha256(${body}::bytea), ${body}, ${contentType}, ${width}, ${height})
    on conflict (digest) do update set created_at = cimd.cimd_now()
    returning digest`.execute(db)
  const row = rows[0]
  if (row === undefined) throw new Error('an insert that cannot be skipped gave no row')
  return row.digest.toString('hex')
}

/**
 * The part of a statement that keeps anew the logos of resources `r` that it makes lead elsewhere: pages have shown them until
 * now, however long ago each was stored. `left` says which; it reads the resources as they were before the statement.
 */
export function keepLeftLogos(left: RawBuilder<boolean>): RawBuilder<unknown> {
  return sql`left_logos as (
      update cimd.logos l set created_at = cimd.cimd_now()
      from cimd.resources r where r.kind = 'logo' and r.digest = l.digest and ${left}
    )`
}

/** The logo with this digest, hex; undefined when there is none. */
export async function findLogo(db: Db, digest: string): Promise<StoredLogo | undefined> {
  const row = await db
    .selectFrom('cimd.logos')
    .select(['body', 'content_type', 'width', 'height'])
    .where('digest', '=', Buffer.from(digest, 'hex'))
    .executeTakeFirst()
  return row && { body: row.body, contentType: row.content_type, width: row.width, height: row.height }
}

/**
 * Walks through up to `limit` logos after a digest (hex), from the first without it, and deletes those that no client has
 * any more and that were kept long enough, since the last one left them, for every page that shows them.
 */
export async function deleteUnusedLogos(
  db: Db,
  keptForDays: number,
  { after = '', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<WalkedBatch<string>> {
  const { rows } = await sql<{ digest: string }>`
    select encode(digest, 'hex') as digest from cimd.logos where digest > ${Buffer.from(after, 'hex')}
    order by digest limit ${limit}`.execute(db)
  const upto = rows.at(-1)?.digest
  if (upto === undefined) return { deleted: 0, next: undefined }
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.logos l
    where l.digest > ${Buffer.from(after, 'hex')} and l.digest <= ${Buffer.from(upto, 'hex')}
      and l.created_at < cimd.cimd_now() - make_interval(days => ${keptForDays})
      and not exists (select from cimd.resources r where r.kind = 'logo' and r.digest = l.digest)`.execute(db)
  return { deleted: Number(numAffectedRows), next: rows.length < limit ? undefined : upto }
}
