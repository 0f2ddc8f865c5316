import { type Kysely, sql } from 'kysely'
import type { Settling } from '../settle.ts'

/** Where a deployment takes capitals in the scheme of a client_id, they are kept as presented (CID-10, CID-12). */
export async function admitSchemeInCapitals(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    alter table cimd.clients
      drop constraint clients_client_id_check,
      add constraint clients_client_id_check
        check (octet_length(client_id) <= 2048 and client_id ~ '^[Hh][Tt][Tt][Pp][Ss]://[!-~]+$') not valid;
  `)
    .execute(db)
}

export const CLIENT_ID_SCHEME_SETTLING: Settling = {
  indexes: {},
  constraints: [{ table: 'cimd.clients', name: 'clients_client_id_check' }],
}
