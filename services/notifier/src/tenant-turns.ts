/** Takes one of the turns of a tenant, to be given back by disposing of it; undefined where it has none left. */
export type TakeTurn = (tenant: string) => Disposable | undefined

/** `perTenant` turns for each tenant in this process. */
export function createTenantTurns(perTenant: number): TakeTurn {
  const taken = new Map<string, number>()
  return (tenant) => {
    const before = taken.get(tenant) ?? 0
    if (before >= perTenant) return undefined
    taken.set(tenant, before + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (taken.get(tenant) ?? 1) - 1
        if (left === 0) taken.delete(tenant)
        else taken.set(tenant, left)
      },
    }
  }
}
