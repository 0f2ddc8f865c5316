import { sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

const TICKET_HOURS = 1

/** What a ticket names: one client and the generation of the demand, as a waiter does. */
export type Ticket = { readonly clientId: string; readonly client: string; readonly generation: number }

/** The ticket of a demand of the tenant of the transaction; the same demand has the same ticket. */
export async function issueTicket(trx: Transaction, client: string, generation: number): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into cimd.tickets (tenant_id, client_ref, generation, expires_at)
    values (cimd.current_tenant(), ${client}, ${generation},
      cimd.cimd_now() + make_interval(hours => ${TICKET_HOURS}))
    on conflict (tenant_id, client_ref, generation) do update set expires_at = excluded.expires_at
    returning id`.execute(trx)
  const id = rows[0]?.id
  if (id === undefined) throw new Error('an upsert returned no ticket')
  return id
}

/** The ticket, if it is the tenant's own and has not expired. */
export async function findTicket(trx: Transaction, id: string): Promise<Ticket | undefined> {
  return trx
    .selectFrom('cimd.tickets as t')
    .innerJoin('cimd.clients as c', 'c.id', 't.client_ref')
    .select(['c.client_id as clientId', 't.generation', sql<string>`t.client_ref::text`.as('client')])
    .where('t.id', '=', id)
    .where('t.tenant_id', '=', sql<string>`cimd.current_tenant()`)
    .where('t.expires_at', '>', sql<Date>`cimd.cimd_now()`)
    .executeTakeFirst()
}

/** Deletes what expired; returns how many. */
export async function deleteExpiredTickets(db: Db): Promise<number> {
  const result = await db
    .deleteFrom('cimd.tickets')
    .where('expires_at', '<=', sql<Date>`cimd.cimd_now()`)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
