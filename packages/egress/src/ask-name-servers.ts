import type { AskNameServers, NameServersAnswer } from '@cimd/core'
import { codeOf, isOwnFault } from './map-error.ts'
import { createQuestioner, type DnsOptions } from './resolve.ts'

/** Far more than any domain has; what is beyond says nothing of whose it is. */
const NAMES_MAX = 32
/** Of a host name in DNS (RFC 1035 section 2.3.4). */
const NAME = /^(?=.{1,253}$)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

/**
 * Asks for the name servers of a registrable domain by one NS question to the same servers that resolve its hosts (CHG-05).
 * Nothing that they answer fails: what is no answer is `unknown`.
 */
export function createAskNameServers(options: DnsOptions = {}): AskNameServers {
  const ask = createQuestioner(options)
  return async (domain, signal) => {
    try {
      return answerOf(await ask((resolver) => resolver.resolveNs(domain), signal))
    } catch (error) {
      signal.throwIfAborted()
      if (isOwnFault(error)) throw error
      return { kind: codeOf(error) === 'ENOTFOUND' ? 'absent' : 'unknown' }
    }
  }
}

function answerOf(found: readonly string[]): NameServersAnswer {
  const names = found.map((name) => name.toLowerCase()).filter((name) => NAME.test(name))
  return names.length === 0 ? { kind: 'unknown' } : { kind: 'found', names: names.sort().slice(0, NAMES_MAX) }
}
