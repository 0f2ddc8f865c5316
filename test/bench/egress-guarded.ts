import type { ClientIdUrl } from '@cimd/core'
import { createFetchDocument } from '@cimd/egress'
import type { Get } from './egress-plain.ts'

type GuardedOptions = Omit<Parameters<typeof createFetchDocument>[0], 'userAgent'>

/** The guarded GET in the shape of the others. */
export function createGuardedGet(options: GuardedOptions): Get {
  const fetchDocument = createFetchDocument({ userAgent: 'cimd-registrar-bench', ...options })
  return async (url) => {
    // Hostile cases name what the rules for identifiers refuse: the fetch itself has to stand.
    const result = await fetchDocument({ url: url as ClientIdUrl }, new AbortController().signal)
    if (result.kind === 'fetched') return result.body
    throw new Error(`the guarded GET ended otherwise: ${JSON.stringify(result)}`)
  }
}
