import { releaseQuarantine } from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { say, sayJson } from './print.ts'
import type { StoreDeps } from './tenant.ts'

const NAMES: Readonly<Record<string, string>> = { jwks: 'its key set', logo: 'its logo' }

/** Ends the quarantine of a client; that there was none is an error, since somebody may have mistyped it. */
export async function runClientRelease(
  { output, withStore }: StoreDeps,
  { clientId, json }: { readonly clientId: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const { document, resources } = await withStore((db) => releaseQuarantine(db, clientId))
  if (!document && resources.length === 0) throw new Error(`nothing of ${clientId} is in quarantine`)
  if (json) sayJson(output, { released: true, client_id: clientId, document, resources: [...resources] })
  else {
    const named = [...(document ? ['its document'] : []), ...resources.map((kind) => NAMES[kind] ?? kind)]
    say(output, `Released. Of ${clientId} is being fetched, in a process of its own: ${named.join(', ')}.`)
  }
  return 0
}
