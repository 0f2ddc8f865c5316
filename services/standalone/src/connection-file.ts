import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a running standalone process can be reached, for the `cimd` command. */
export type Connections = { readonly databaseUrl: string; readonly queueUrl: string; readonly apiUrl: string }

/**
 * Writes `standalone.json` beside the data, readable by this user only, since the URLs may hold passwords.
 * Returns how to remove it.
 */
export function writeConnectionFile(directory: string, connections: Connections): () => void {
  const path = join(directory, 'standalone.json')
  mkdirSync(directory, { recursive: true })
  rmSync(path, { force: true })
  writeFileSync(path, `${JSON.stringify(connections, null, 2)}\n`, { mode: 0o600 })
  return () => rmSync(path, { force: true })
}
