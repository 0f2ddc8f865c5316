import { type Kysely, sql } from 'kysely'

const ROLES = ['cimd_api', 'cimd_fetcher', 'cimd_scheduler']

// Roles belong to the whole server, so another database may have made them, perhaps at this very moment.
const createRole = (role: string): string => `
  do $$ begin
    if not exists (select from pg_roles where rolname = '${role}') then
      create role ${role} nologin;
    end if;
  exception when duplicate_object or unique_violation then null;
  end $$;`

/** The schema, the services' roles, and the one clock every statement reads. */
export async function createDeployment(db: Kysely<unknown>): Promise<void> {
  await sql.raw(ROLES.map(createRole).join('\n')).execute(db)
  await sql
    .raw(`
    create schema if not exists cimd;
    grant usage on schema cimd to ${ROLES.join(', ')};

    -- One row. The offset moves the clock of tests and of the demo; production cannot have one.
    create table cimd.deployment (
      only_row boolean primary key default true check (only_row),
      environment text not null default 'development',
      clock_offset interval not null default interval '0',
      check (environment <> 'production' or clock_offset = interval '0')
    );
    insert into cimd.deployment default values;
    grant select on cimd.deployment to ${ROLES.join(', ')};

    -- What each migration says of the code it can live with; services read the newest row at start.
    create table cimd.schema_versions (
      version integer primary key,
      name text not null,
      oldest_code integer not null check (oldest_code <= version),
      applied_at timestamptz not null default now()
    );
    grant select on cimd.schema_versions to ${ROLES.join(', ')};

    create function cimd.cimd_now() returns timestamptz language sql stable
      as $$ select now() + clock_offset from cimd.deployment $$;
    `)
    .execute(db)
}
