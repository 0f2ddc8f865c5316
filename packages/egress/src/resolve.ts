import { promises as dns } from 'node:dns'
import { FetchError } from './fetch-error.ts'
import { codeOf, failureOf } from './map-error.ts'

/** Every address of a host, A before AAAA; rejects with `FetchError`, or an abort, when there is none to be had. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>

/** c-ares gives up after about twice this: well within the deadline, so that a dead name server is named as such. */
const QUERY_TIMEOUT_MS = 1500

/**
 * Resolves by DNS queries for the exact name: one A and one AAAA question per fetch, never asked again (FET-16).
 * Servers are addresses, each with a port or without; a wrong one throws at once. `dns.lookup` would consult /etc/hosts and search domains and share four threads with the whole process.
 */
export function createResolver(options: DnsOptions = {}): Resolve {
  const ask = createQuestioner(options)
  return async (host, signal) => {
    const questions = (resolver: dns.Resolver) => [resolver.resolve4(host), resolver.resolve6(host)]
    return gatherAddresses(await ask((resolver) => Promise.allSettled(questions(resolver)), signal))
  }
}

export type DnsOptions = { readonly servers?: readonly string[] }

/** Puts questions to the name servers of a deployment; rejects as they do, or with the reason of the signal. */
export type Questioner = <T>(ask: (resolver: dns.Resolver) => Promise<T>, signal: AbortSignal) => Promise<T>

/** A wrong server throws at once. */
export function createQuestioner({ servers }: DnsOptions): Questioner {
  const create = () => {
    // One for each fetch: cancelling it cancels nobody else's questions, and nothing is kept between fetches.
    const resolver = new dns.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 1 })
    if (servers !== undefined) resolver.setServers(servers)
    return resolver
  }
  // So that a server that is no address is told at once.
  create()
  return async (ask, signal) => {
    signal.throwIfAborted()
    const resolver = create()
    const cancel = () => resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await ask(resolver)
    } finally {
      signal.removeEventListener('abort', cancel)
      signal.throwIfAborted()
    }
  }
}

/** One family failing while the other answers is common and harmless: only what was answered is ever dialled. */
function gatherAddresses(answers: readonly PromiseSettledResult<string[]>[]): readonly string[] {
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (addresses.length > 0) return addresses

  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [typed(answer.reason)] : []))
  // A dangling CNAME yields an empty answer and no error, which means the same as no record.
  const telling = failures.find(({ code }) => code !== 'dns_not_found') ?? failures[0]
  throw telling ?? new FetchError('dns_not_found', 'no A or AAAA record', { phase: 'dns' })
}

function typed(reason: unknown): FetchError {
  const code = failureOf(reason, 'dns')
  if (code === undefined) throw reason
  return new FetchError(code, `name server answered ${codeOf(reason)}`, { phase: 'dns', cause: reason })
}
