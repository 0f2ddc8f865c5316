import type { TestProject } from 'vitest/node'
import { type PostgresProvider, providePostgres } from './postgres.ts'
import { provideRedis, type RedisProvider } from './redis.ts'
import { createTemplate } from './template.ts'

/** What a test reads with `inject('postgres')` and `inject('redis')`. */
export type ProvidedServer =
  | { readonly kind: 'provided'; readonly url: string; readonly source: string }
  | { readonly kind: 'missing'; readonly how: string }

declare module 'vitest' {
  interface ProvidedContext {
    postgres: ProvidedServer
    redis: ProvidedServer
    /** Name of the migrated database to copy; empty without a Postgres. */
    template: string
  }
}

type Servers = { postgres: PostgresProvider; redis: RedisProvider; template: Template | undefined }
type Template = Awaited<ReturnType<typeof createTemplate>>

// Every project that names this file loads its own copy of it; the servers are shared all the same.
const shared = globalThis as { cimdTestServers?: { servers: Promise<Servers>; users: number } | undefined }

/** Starts the servers once for all projects; the last project stops them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.cimdTestServers ??= { servers: startServers(), users: 0 }
  const started = shared.cimdTestServers
  started.users += 1
  const { postgres, redis, template } = await started.servers
  project.provide('postgres', provided(postgres, 'adminUrl'))
  project.provide('redis', provided(redis, 'url'))
  project.provide('template', template?.name ?? '')
  return async () => {
    started.users -= 1
    if (started.users > 0) return
    shared.cimdTestServers = undefined
    await template?.drop()
    await Promise.all([postgres, redis].map(async (server) => server.kind === 'provided' && server.stop()))
  }
}

async function startServers(): Promise<Servers> {
  const [postgres, redis] = await Promise.all([providePostgres(), provideRedis()])
  const missing = Object.entries({ postgres, redis }).flatMap(([name, server]) =>
    server.kind === 'missing' ? [`no ${name} to test with: ${server.how}`] : [],
  )
  if (missing.length > 0 && process.env['CIMD_TEST_REQUIRE_ALL'] === '1') throw new Error(missing.join('\n'))
  for (const line of missing) console.warn(`skipping tests, ${line}`)
  const template = postgres.kind === 'provided' ? await createTemplate(postgres.adminUrl) : undefined
  return { postgres, redis, template }
}

function provided<K extends string>(
  server: ({ kind: 'provided'; source: string } & Record<K, string>) | { kind: 'missing'; how: string },
  urlKey: K,
): ProvidedServer {
  if (server.kind === 'missing') return { kind: 'missing', how: server.how }
  return { kind: 'provided', url: server[urlKey], source: server.source }
}
