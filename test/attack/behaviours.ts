import { ACCEPTED } from './behaviours-accepted.ts'
import { BODIES } from './behaviours-body.ts'
import { EXHAUSTION } from './behaviours-exhaustion.ts'
import { FRAMING } from './behaviours-framing.ts'
import { REDIRECTS, STATUSES, TYPES } from './behaviours-status.ts'
import { TCP, TLS, type TlsSetup } from './behaviours-tls.ts'
import type { Script, WireScript } from './wire.ts'

/** At which layer a server behaves so; below it, it behaves well. */
export type Behaviour =
  | { readonly layer: 'http'; readonly respond: Script }
  | { readonly layer: 'tls'; readonly setup: TlsSetup }
  | { readonly layer: 'tcp'; readonly accept: WireScript }
  | { readonly layer: 'refused' }

/** Everything a hostile origin can do, by name. */
export const BEHAVIOURS = {
  ...entries(
    { ...ACCEPTED, ...BODIES, ...EXHAUSTION, ...FRAMING, ...REDIRECTS, ...STATUSES, ...TYPES },
    (respond: Script) => ({ layer: 'http', respond }),
  ),
  ...entries(TLS, (setup: TlsSetup) => ({ layer: 'tls', setup })),
  ...entries(TCP, (accept: WireScript) => ({ layer: 'tcp', accept })),
  ...entries({ tcp_refused: undefined }, () => ({ layer: 'refused' })),
}

/** A name from the table. */
export type BehaviourName = keyof typeof BEHAVIOURS

/** Whether a string, such as one from a list of cases, names a behaviour. */
export function isBehaviour(name: string): name is BehaviourName {
  return Object.hasOwn(BEHAVIOURS, name)
}

function entries<Name extends string, Value>(
  table: Readonly<Record<Name, Value>>,
  behave: (value: Value) => Behaviour,
): Readonly<Record<Name, Behaviour>> {
  const pairs = Object.entries<Value>(table).map(([name, value]) => [name, behave(value)])
  // The same names as before, which `fromEntries` cannot tell.
  return Object.fromEntries(pairs) as Record<Name, Behaviour>
}
