import { type ClientMetadataResult, RULES_VERSION } from '@cimd/core'
import type { CurrentDocument } from '@cimd/store'

/** How many clients one finding concerns. */
export type CodeCount = { readonly code: string; readonly clients: number; readonly in_use: number }

/** What judging stored documents by the rules of this release came to. */
export type DryRun = {
  readonly checked: number
  /** Judged by older rules so far: what is refused or warned of others is no news. */
  readonly older: number
  readonly refused: number
  readonly refused_in_use: number
  /** Of documents of older rules, since the warnings of then are not stored. */
  readonly warned: number
  readonly warned_in_use: number
  /** By the gravest code of each client, the most frequent first. */
  readonly refusals: readonly CodeCount[]
  /** By every code. */
  readonly warnings: readonly CodeCount[]
  /** The first of those that are refused. */
  readonly clients: readonly { readonly client_id: string; readonly code: string; readonly in_use: boolean }[]
}

type Judged = Pick<CurrentDocument, 'clientId' | 'inUse' | 'rulesVersion'>

/** Counts what judging documents comes to, and names at most `limit` clients. */
export function createDryRun(limit: number) {
  const refusals = createCounter()
  const warnings = createCounter()
  const clients: DryRun['clients'][number][] = []
  const counts = { checked: 0, older: 0 }
  return {
    add({ clientId: client_id, inUse, rulesVersion }: Judged, verdict: ClientMetadataResult): void {
      const isOlder = rulesVersion < RULES_VERSION
      counts.checked += 1
      if (isOlder) counts.older += 1
      if (verdict.ok) {
        if (isOlder) warnings.count(new Set(verdict.warnings.map(({ code }) => code)), inUse)
        return
      }
      refusals.count([verdict.code], inUse)
      if (clients.length < limit) clients.push({ client_id, code: verdict.code, in_use: inUse })
    },
    result(): DryRun {
      const [refused, warned] = [refusals.clients(), warnings.clients()]
      return {
        ...counts,
        ...{ refused: refused.all, refused_in_use: refused.inUse },
        ...{ warned: warned.all, warned_in_use: warned.inUse },
        ...{ refusals: refusals.codes(), warnings: warnings.codes(), clients },
      }
    },
  }
}

/** Counts clients, and of each code. */
function createCounter() {
  const codes = new Map<string, { code: string; clients: number; in_use: number }>()
  const clients = { all: 0, inUse: 0 }
  return {
    count(found: Iterable<string>, inUse: boolean): void {
      const used = inUse ? 1 : 0
      let isFirst = true
      for (const code of found) {
        const before = codes.get(code) ?? { code, clients: 0, in_use: 0 }
        codes.set(code, { code, clients: before.clients + 1, in_use: before.in_use + used })
        clients.all += isFirst ? 1 : 0
        clients.inUse += isFirst ? used : 0
        isFirst = false
      }
    },
    clients: () => clients,
    codes: (): CodeCount[] =>
      [...codes.values()].toSorted((a, b) => b.clients - a.clients || a.code.localeCompare(b.code)),
  }
}
