import type { EditsName } from './table.ts'

/** A release that breaks a promise, and how that must be found out. */
export type Broken = {
  readonly name: EditsName
  readonly service: 'fetcher' | 'scheduler' | 'notifier'
  /** Turns of a run that shows it. */
  readonly turns: readonly string[]
  /** Invariants of which at least one must be found violated. */
  readonly violates: readonly string[]
}

const kills = killsOf('fetcher')

export const BROKEN: readonly Broken[] = [
  {
    name: 'acknowledge-before-record',
    service: 'fetcher',
    turns: kills,
    violates: ['every demand is answered', 'every client is settled'],
  },
  {
    name: 'publish-before-commit',
    service: 'fetcher',
    turns: kills,
    violates: ['every change is announced once'],
  },
  {
    name: 'publish-after-commit',
    service: 'fetcher',
    turns: kills,
    violates: ['every change is announced once'],
  },
  {
    name: 'delivered-before-sent',
    service: 'notifier',
    turns: killsOf('notifier'),
    violates: ['webhooks arrive, each client in order'],
  },
  {
    name: 'trust-the-queue',
    service: 'scheduler',
    turns: Array.from({ length: 8 }, () => 'queue flushed'),
    violates: ['every demand is answered', 'every client is settled'],
  },
]

function killsOf(service: string): readonly string[] {
  return Array.from({ length: 4 }, () => `kill -9 ${service}`)
}
