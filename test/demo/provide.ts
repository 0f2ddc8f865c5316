import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@cimd/embedded'
import { explain } from '@cimd/runtime'
import { createDatabase } from '../harness/postgres.ts'
import { sayFact } from './print.ts'

/** A new database; disposing of it drops it and stops the server if that was started for it. */
export type DemoDatabase = AsyncDisposable & { readonly url: string; readonly server: string }

type Server = { readonly adminUrl: string; readonly source: string; readonly stop: () => Promise<void> }

const HOW =
  'Set CIMD_DATABASE_URL to the URL of a superuser, such as postgres://postgres@127.0.0.1:5432/postgres.'

/** Makes a database on the server named by `adminUrl`, or on an embedded one that is thrown away afterwards. */
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
  const directory = await mkdtemp(join(tmpdir(), 'cimd-demo-'))
  const removeDirectory = () => rm(directory, { recursive: true, force: true })
  try {
    // As root the server runs as another user, who must get in; its data are closed to others all the same.
    await chmod(directory, 0o755)
    const onNotice = (message: string) => sayFact('note', message)
    const embedded = await startEmbeddedPostgres({ directory, temporary: true, onNotice })
    const stop = async () => {
      await embedded.stop()
      await removeDirectory()
    }
    return { adminUrl: embedded.url, source: `embedded PostgreSQL ${embedded.version}`, stop }
  } catch (error) {
    await removeDirectory()
    throw new Error(`No PostgreSQL to run on: ${explain(error)} ${HOW}`)
  }
}

async function createDemoDatabase({ adminUrl, source }: Server) {
  try {
    return await createDatabase(adminUrl, { prefix: 'cimd_demo_' })
  } catch (error) {
    throw new Error(`No database could be made on ${source}: ${explain(error)}. ${HOW}`)
  }
}
