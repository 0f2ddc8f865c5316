import { parseClientIdUrl, RULES_VERSION, UNKNOWN_STANDING } from '@cimd/core'
import type { OutdatedClient, Revalidated, RulesStatus } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { createRevalidation, judgeOutdated, WALK_PAUSE_MS } from './revalidate.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value
const now = new Date('2026-11-20T12:00:00Z')

/** A client under older rules; the document of a `refused` one is against the present ones. */
function outdated(client: string, given: { refused?: boolean; isClaimed?: boolean } = {}): OutdatedClient {
  const method = given.refused ? { token_endpoint_auth_method: 'client_secret_basic' } : {}
  const document = { client_id: clientId, redirect_uris: ['https://app.example.com/cb'], ...method }
  const body = new TextEncoder().encode(JSON.stringify(document))
  const standing = { ...UNKNOWN_STANDING, state: 'valid', digest: 'a'.repeat(64) } as const
  return {
    ...{ client, clientId, version: `v${client}`, body, rulesVersion: RULES_VERSION - 1 },
    ...{ now, standing, isClaimed: given.isClaimed ?? false },
  }
}

/** A store of clients by their row id, of which a walk finds those that are not settled yet. */
function setup(clients: readonly OutdatedClient[], limit = 2) {
  const status: RulesStatus = { approved: RULES_VERSION, braked: false }
  const world = { status, atMs: 0 }
  const open = new Map(clients.map((client) => [client.client, client]))
  const calls: string[] = []
  const settle = ({ valid, refused }: Revalidated): void => {
    for (const version of valid) open.delete(version.slice(1))
    for (const { client } of refused) open.delete(client)
    calls.push(`valid ${valid.length}, refused ${refused.length}`)
  }
  const work = createRevalidation(
    {
      readStatus: async () => world.status,
      find: async (_, { after = '0', limit }) => {
        const found = [...open.keys()].filter((client) => client > after).slice(0, limit)
        return { clients: found, next: found.length === limit ? found.at(-1) : undefined }
      },
      withLocked: async (_, found, decide) =>
        settle(decide(found.flatMap((client) => open.get(client) ?? []))),
      tellPending: (approved) => calls.push(`pending, ${approved} approved`),
      tellWalked: ({ valid, refused, left }) => calls.push(`walked: ${valid}, ${refused}, ${left}`),
      monotonicMs: () => world.atMs,
    },
    limit,
  )
  const run = async () => {
    calls.length = 0
    await work()
    return [...calls]
  }
  return { world, open, run }
}

describe('createRevalidation', () => {
  it('CAC-12: judges nothing before the rules are approved, and tells so once', async () => {
    for (const approved of [RULES_VERSION - 1, undefined]) {
      const { run, world } = setup([outdated('1')])
      world.status = { approved, braked: false }
      expect([await run(), await run()]).toEqual([[`pending, ${approved} approved`], []])
      world.status = { approved: RULES_VERSION + 1, braked: false }
      expect(await run()).toContain('valid 1, refused 0')
    }
  })

  it('judges so many each time, goes on where it came to, and rests at the end', async () => {
    const { run, world } = setup([outdated('1'), outdated('2', { refused: true }), outdated('3')])
    expect(await run()).toEqual(['valid 1, refused 1'])
    expect(await run()).toEqual(['valid 1, refused 0', 'walked: 2, 1, 0'])
    world.atMs = WALK_PAUSE_MS - 1
    expect(await run()).toEqual([])
    world.atMs = WALK_PAUSE_MS
    expect(await run()).toEqual(['walked: 0, 0, 0'])
  })

  it('judges nothing while the brake is engaged, and goes on when it is released', async () => {
    const { run, world } = setup([outdated('1'), outdated('2'), outdated('3')])
    await run()
    world.status = { approved: RULES_VERSION, braked: true }
    expect(await run()).toEqual([])
    world.status = { approved: RULES_VERSION, braked: false }
    expect(await run()).toEqual(['valid 1, refused 0', 'walked: 3, 0, 0'])
  })

  it('comes back soon to one that was being fetched', async () => {
    const { run, world, open } = setup([outdated('1', { refused: true, isClaimed: true })])
    expect(await run()).toEqual(['valid 0, refused 0', 'walked: 0, 0, 1'])
    open.set('1', outdated('1', { refused: true }))
    world.atMs = 30_000
    expect(await run()).toEqual(['valid 0, refused 1', 'walked: 0, 1, 0'])
  })
})

describe('judgeOutdated', () => {
  it('CAC-12, CAC-14: ends what the rules refuse like a rejected document, from now on', () => {
    const { valid, refused } = judgeOutdated([outdated('1'), outdated('2', { refused: true })])
    expect(valid).toEqual(['v1'])
    const withdrawing = { code: 'symmetric_method', since: now }
    expect(refused).toMatchObject([{ client: '2', at: now, standing: { state: 'failing', withdrawing } }])
  })

  it('leaves a client to a fetch under way, unless its document is as valid as it was', () => {
    const clients = [outdated('1', { isClaimed: true }), outdated('2', { refused: true, isClaimed: true })]
    expect(judgeOutdated(clients)).toEqual({ valid: ['v1'], refused: [], left: 1 })
  })

  it('ends nothing twice', () => {
    const client = outdated('1', { refused: true })
    const withdrawing = { code: 'status_404', since: now } as const
    const ending = { ...client, standing: { ...client.standing, withdrawing } }
    expect(judgeOutdated([ending])).toEqual({ valid: [], refused: [], left: 0 })
  })
})
