import { getEventListeners, once } from 'node:events'
import { type ClientIdUrl, type FetchDocument, parseClientMetadata } from '@cimd/core'
import { classifyAddress, type Dial, dialTcp } from '@cimd/egress'
import type { Visit } from './mix.ts'
import type { Ending } from './tally.ts'
import type { Ports } from './targets.ts'

/** Fetches as a service would, with a signal for all of them that never aborts, or gives up midway with one of its own. */
export function createCaller(fetchDocument: FetchDocument) {
  const running = new AbortController().signal
  let strayListeners = 0

  const fetchFor = async ({ target: { url }, giveUpAfterMs }: Visit): Promise<Ending> => {
    if (giveUpAfterMs === undefined) return await endingOf(fetchDocument, url, running)
    const control = new AbortController()
    const timer = setTimeout(() => control.abort(), giveUpAfterMs)
    const ending = await endingOf(fetchDocument, url, control.signal)
    clearTimeout(timer)
    strayListeners += listenersOn(control.signal)
    return ending
  }
  return {
    fetchFor,
    /** What all fetches share. */
    running,
    /** Listeners that fetches have left on the signals of their callers. */
    listeners: () => strayListeners + listenersOn(running),
  }
}

async function endingOf(fetchDocument: FetchDocument, url: string, signal: AbortSignal): Promise<Ending> {
  try {
    // The type is a promise that core's parser makes; the targets keep it.
    const result = await fetchDocument({ url: url as ClientIdUrl }, signal)
    if (result.kind === 'failed') return { kind: 'ended', codes: [result.code] }
    if (result.kind === 'not_modified') return { kind: 'ended', codes: [result.kind] }
    const parsed = parseClientMetadata(result.body, url as ClientIdUrl)
    return { kind: 'ended', codes: parsed.ok ? [] : parsed.violations.map(({ code }) => code) }
  } catch (error) {
    if (signal.aborted && error === signal.reason) return { kind: 'given_up' }
    return { kind: 'thrown', error: String(error) }
  }
}

function listenersOn(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

/** The way to loopback for addresses that look public, and a count of dials to those that do not. */
export function createLoopbackDial(ports: Ports) {
  let forbidden = 0
  const dial: Dial = async (address, _port, signal) => {
    if (!classifyAddress(address).public) forbidden += 1
    const port = ports.byAddress[address] ?? ports.web
    return port === 0 ? await hang(signal) : await dialTcp('127.0.0.1', port, signal)
  }
  return { dial, forbiddenDials: () => forbidden }
}

/** Nobody answers, as behind a firewall that drops. */
async function hang(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted()
  await once(signal, 'abort')
  throw signal.reason
}
