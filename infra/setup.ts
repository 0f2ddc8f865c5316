import { prepareQueueStore } from '@cimd/queue'
import { explain } from '@cimd/runtime'
import { closeDb, createApiKey, ensureTenant, migrate, openDb } from '@cimd/store'

// Prepares a store and a queue, and makes a tenant with an API key: `npm run setup -- TENANT`. Runs as the owner
// of the database, reads CIMD_DATABASE_URL, CIMD_QUEUE_URL and CIMD_ENV, and may be run again at any time.

const ROLES = ['cimd_api', 'cimd_fetcher', 'cimd_scheduler']
const SCOPES = ['resolve', 'events']

async function setUp(tenantName: string): Promise<void> {
  const databaseUrl = variable('CIMD_DATABASE_URL')
  const environment = process.env['CIMD_ENV'] === 'production' ? 'production' : 'development'
  const applied = await migrate(databaseUrl, environment)
  console.log(
    applied.length === 0 ? 'The store is up to date.' : `Migrated the store: ${applied.join(', ')}.`,
  )
  await prepareQueueStore(variable('CIMD_QUEUE_URL'), { grantTo: ROLES })
  console.log('The queue store is ready.')
  const db = openDb({ url: databaseUrl, connectionsMax: 1, onError: (error) => console.error(error.message) })
  try {
    const key = await createApiKey(db, await ensureTenant(db, tenantName), SCOPES)
    console.log(`A new key of the tenant "${tenantName}", shown only now:\n${key}`)
  } finally {
    await closeDb(db)
  }
}

function variable(name: string): string {
  const value = process.env[name]
  if (!value)
    throw new Error(
      `${name} is not set: it names the store (postgres://…) or the queue (redis://…, postgres://…)`,
    )
  return value
}

try {
  await setUp(process.argv[2] ?? 'default')
} catch (error) {
  console.error(`cannot set up: ${explain(error)}`)
  process.exitCode = 1
}
