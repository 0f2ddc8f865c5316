import { explain } from '@cimd/runtime'
import { createDatabase, providePostgres } from '../harness/postgres.ts'

/** A new database; disposing of it drops it and stops the server if that was started for it. */
export type DemoDatabase = AsyncDisposable & { readonly url: string; readonly server: string }

type Server = { readonly adminUrl: string; readonly source: string; readonly stop: () => Promise<void> }

const HOW = `Any one of these will do:
- set CIMD_DATABASE_URL to the URL of a superuser, such as postgres://postgres@127.0.0.1:5432/postgres
- install PostgreSQL 15 or newer, so that initdb and postgres are found
- start Docker`

/** Makes a database on the server named by `adminUrl`, or on one that is found or started. */
export async function provideDatabase(adminUrl: string | undefined): Promise<DemoDatabase> {
  await using providing = new AsyncDisposableStack()
  const server = providing.adopt(await provideServer(adminUrl), ({ stop }) => stop())
  const { url } = providing.adopt(await createDemoDatabase(server), ({ drop }) => drop())
  const provided = providing.move()
  return { url, server: server.source, [Symbol.asyncDispose]: () => provided.disposeAsync() }
}

/** What may be shown of a connection URL. */
export function withoutCredentials(text: string): string {
  const url = URL.parse(text)
  return url === null ? 'what is not a URL' : `${url.protocol}//${url.host}`
}

async function provideServer(adminUrl: string | undefined): Promise<Server> {
  if (adminUrl !== undefined) {
    return { adminUrl, source: withoutCredentials(adminUrl), stop: async () => undefined }
  }
  const provided = await providePostgres().catch((error) => {
    throw new Error(`No PostgreSQL to run on: ${explain(error)}. ${HOW}`)
  })
  if (provided.kind === 'provided') return provided
  throw new Error(`No PostgreSQL to run on. ${HOW}\nTried: ${provided.how}`)
}

async function createDemoDatabase({ adminUrl, source }: Server) {
  try {
    return await createDatabase(adminUrl, { prefix: 'cimd_demo_' })
  } catch (error) {
    throw new Error(`No database could be made on ${source}: ${explain(error)}. ${HOW}`)
  }
}
