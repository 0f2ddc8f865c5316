import { startEmbeddedPostgres } from '@cimd/embedded'

// Owns an embedded server until its parent says how to end. Arguments: the directory, and `temporary` or nothing.
const [directory = '', kind] = process.argv.slice(2)
const notices: string[] = []

type Server = Awaited<ReturnType<typeof startEmbeddedPostgres>>

const WAYS: Readonly<Record<string, (server: Server) => unknown>> = {
  'stop()': (server) => server.stop(),
  'two stops at once': (server) => Promise.all([server.stop(), server.stop()]),
  'process.exit()': () => process.exit(3),
  'an uncaught exception': () => setImmediate(() => JSON.parse('uncaught')),
  'an unhandled rejection': () => void Promise.reject(new Error('unhandled')),
  'nothing left to do': () => undefined,
}

// Ctrl-C reaches every process of the terminal's group; this one finishes its work first.
if (kind === 'draining') process.on('SIGINT', () => process.send?.({ interrupted: true }))

try {
  const server = await startEmbeddedPostgres({
    directory,
    temporary: kind === 'temporary',
    onNotice: (message) => notices.push(message),
  })
  process.once('message', async (way: string) => {
    await WAYS[way]?.(server)
    process.disconnect?.()
  })
  process.send?.({ url: server.url, directory: server.directory, version: server.version, notices })
} catch (error) {
  if (!(error instanceof Error)) throw error
  const { name, message } = error
  process.send?.({ name, message, code: 'code' in error ? error.code : undefined }, () =>
    process.disconnect?.(),
  )
}
