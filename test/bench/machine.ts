import { cpus, loadavg } from 'node:os'
import pg from 'pg'

/** What the figures depend on, as lines to print. */
export async function describeMachine(adminUrl: string, source: string): Promise<string[]> {
  const processors = cpus()
  return [
    `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, node ${process.version}, ${process.platform} ${process.arch}`,
    `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), load ${describeLoad()} before the run`,
    `PostgreSQL ${await describePostgres(adminUrl)}: ${source}`,
  ]
}

/** The load averages of 1, 5 and 15 minutes: what else runs here is in the figures as well. */
export function describeLoad(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
}

async function describePostgres(adminUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ version: string; fsync: string; commit: string }>(
      `select current_setting('server_version') as version, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as commit`,
    )
    const [found] = rows
    return `${found?.version} (fsync ${found?.fsync}, synchronous_commit ${found?.commit})`
  } finally {
    await client.end()
  }
}
