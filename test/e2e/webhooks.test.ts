import { randomUUID } from 'node:crypto'
import type { CloudEvent } from '@cimd/core'
import {
  createSubscription,
  dangerouslySetClockOffset,
  ensureTenant,
  findSubscription,
  listDeliveries,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import type { ApiClient } from '../harness/api-client.ts'
import { publish, republish } from '../harness/documents.ts'
import { nextEvent } from '../harness/events.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'
import { type Receiver, startReceiver } from '../harness/receiver.ts'
import type { LogLine } from '../harness/service-process.ts'
import { HOUR } from '../harness/times.ts'

/** Longer than a claim lasts whose notifier was killed. */
const CLAIM_OVER = 60
/** Longer than anything waits that has failed. */
const PAUSE_OVER = 1.5 * HOUR

const OPTIONS = {
  services: ['api', 'fetcher', 'scheduler', 'notifier'],
  resolutions: { 'inside.example.net': ['10.0.0.1'] },
  // What is held open is let go before its deadline.
  environment: { CIMD_LOG_LEVEL: 'debug', CIMD_DELIVERY_DEADLINE_MS: '20000' },
} as const

describePipeline('webhooks', OPTIONS, (suite) => {
  afterEach(() => dangerouslySetClockOffset(suite.pipeline.db, 0))

  it('verify their endpoint and tell it, signed, what the feed tells', async () => {
    const { tenant, receiver, subscription } = await subscribed(suite)
    const clientId = await discover(suite, tenant)
    await change(suite, tenant, clientId)
    await receiver.until(({ taken }) => taken.length === 2)
    const { body } = await tenant.api.events('0')
    const feed = body.events.map(({ cursor: _, ...event }: { cursor: string }) => event)
    expect(receiver.taken).toEqual(feed)
    expect(receiver.verifications).toEqual([subscription])
    expect(receiver.refused).toEqual([])
  })

  it('tell each client in its order while the endpoint fails now and then', async () => {
    const { tenant, receiver, subscription } = await subscribed(suite)
    receiver.answer({ status: 503 })
    const [first, second] = [await discover(suite, tenant), await discover(suite, tenant)]
    await failed(suite, subscription)
    receiver.answer((event) => ({ status: failsNow(event, receiver) ? 500 : 200 }))
    for (const clientId of [first, second, first, second]) await change(suite, tenant, clientId)
    for (let seconds = PAUSE_OVER; distinct(receiver.taken).length < 6; seconds += PAUSE_OVER) {
      const known = settled(suite, subscription).length
      await dangerouslySetClockOffset(suite.pipeline.db, seconds)
      await suite.pipeline.running('notifier').logged(() => settled(suite, subscription).length > known)
    }
    for (const clientId of [first, second])
      expect(seqsOf(distinct(receiver.taken), clientId)).toEqual([1, 2, 3])
    expect(receiver.refused).toEqual([])
  })

  it('tell everything, in order, after a day in which the endpoint was down', {
    timeout: 120_000,
  }, async () => {
    const { tenant, receiver, subscription } = await subscribed(suite)
    receiver.answer('down')
    const clients = [await discover(suite, tenant), await discover(suite, tenant)]
    await failed(suite, subscription)
    await dangerouslySetClockOffset(suite.pipeline.db, 12 * HOUR)
    for (const clientId of clients) await change(suite, tenant, clientId)
    await dangerouslySetClockOffset(suite.pipeline.db, 24 * HOUR)
    for (const clientId of clients) await change(suite, tenant, clientId)
    const feed = await feedOf(tenant, 6)
    receiver.answer({ status: 204 })
    await dangerouslySetClockOffset(suite.pipeline.db, 24 * HOUR + PAUSE_OVER)
    await receiver.until(({ taken }) => distinct(taken).length === 6)
    const taken = distinct(receiver.taken)
    expect(new Set(taken.map(({ id }) => id))).toEqual(new Set(feed.map(({ id }) => id)))
    for (const clientId of clients) expect(seqsOf(taken, clientId)).toEqual([1, 2, 3])
    // The last of them may be on its way to the record.
    const standing = () => subscriptionOf(suite, tenant, subscription)
    await expect
      .poll(standing, { timeout: 20_000 })
      .toMatchObject({ state: 'active', failures: 0, failingSince: undefined })
  })

  it('are told again by the next notifier when one is killed in the middle', async () => {
    const { tenant, receiver } = await subscribed(suite)
    const held = Promise.withResolvers<void>()
    receiver.answer(() => held.promise.then(() => ({ status: 204 })))
    const clientId = await discover(suite, tenant)
    await receiver.until(({ told }) => told.length === 1)
    suite.pipeline.running('notifier').kill('SIGKILL')
    await suite.pipeline.running('notifier').exited
    receiver.answer({ status: 204 })
    held.resolve()
    await suite.pipeline.start('notifier')
    await dangerouslySetClockOffset(suite.pipeline.db, CLAIM_OVER)
    await receiver.until(({ told }) => told.length === 2)
    await change(suite, tenant, clientId)
    await receiver.until(({ told }) => told.length === 3)
    const [once, again, next] = receiver.told
    expect(again?.id).toBe(once?.id)
    expect(next).toMatchObject({ subject: clientId, clientseq: 2 })
    expect(receiver.refused).toEqual([])
  })

  it('are finished, or handed back, by a notifier that is stopped', async () => {
    const { tenant, receiver } = await subscribed(suite)
    const held = Promise.withResolvers<void>()
    receiver.answer(() => held.promise.then(() => ({ status: 204 })))
    const clientId = await discover(suite, tenant)
    await receiver.until(({ told }) => told.length === 1)
    await change(suite, tenant, clientId)
    const stopped = suite.pipeline.stop('notifier')
    held.resolve()
    expect(await stopped).toBe(0)
    expect(receiver.taken).toHaveLength(1)
    await suite.pipeline.start('notifier')
    await receiver.until(({ taken }) => taken.length === 2)
    expect(seqsOf(receiver.told, clientId)).toEqual([1, 2])
  })

  it('go on after the queue has lost everything', async () => {
    const { tenant, receiver } = await subscribed(suite)
    const clientId = await discover(suite, tenant)
    await suite.backend.empty()
    await change(suite, tenant, clientId)
    await suite.backend.empty()
    await change(suite, tenant, clientId)
    await receiver.until(({ taken }) => distinct(taken).length === 3)
    expect(seqsOf(distinct(receiver.taken), clientId)).toEqual([1, 2, 3])
  })

  it('of one tenant wait for no slow endpoint of another', async () => {
    const [slow, quick] = [await subscribed(suite), await subscribed(suite)]
    const held = Promise.withResolvers<void>()
    slow.receiver.answer(() => held.promise.then(() => ({ status: 204 })))
    // More than are under way for one endpoint at once.
    const clients = await Promise.all(Array.from({ length: 12 }, () => discover(suite, slow.tenant)))
    await slow.receiver.until(({ told }) => told.length === 10)
    const clientId = await discover(suite, quick.tenant)
    for (let changes = 0; changes < 3; changes += 1) await change(suite, quick.tenant, clientId)
    await quick.receiver.until(({ taken }) => taken.length === 4)
    expect(slow.receiver.told).toHaveLength(10)
    expect(slow.receiver.taken).toEqual([])
    held.resolve()
    await slow.receiver.until(({ taken }) => taken.length === clients.length)
  })

  it('end with an endpoint that says 410, and the feed tells', async () => {
    const { tenant, receiver, subscription } = await subscribed(suite)
    receiver.answer({ status: 410 })
    await discover(suite, tenant)
    const disabled = await nextEvent(tenant.api, 'subscription.disabled')
    expect(disabled.data).toMatchObject({ subscription_id: subscription, code: 'endpoint_gone' })
    expect(await subscriptionOf(suite, tenant, subscription)).toMatchObject({ state: 'disabled' })
    await discover(suite, tenant)
    expect(receiver.told).toHaveLength(1)
  })

  it('follow no redirect', async () => {
    const { tenant, receiver, subscription } = await subscribed(suite)
    const elsewhere = startReceiver(suite.origin, `${randomUUID()}.example.net`)
    receiver.answer({ status: 307, headers: { location: elsewhere.url } })
    await discover(suite, tenant)
    await failed(suite, subscription)
    const [delivery] = await deliveriesOf(suite, tenant, subscription)
    expect(delivery).toMatchObject({ state: 'waiting', code: 'endpoint_status', status: 307, attempts: 1 })
    expect(suite.origin.requests.filter(({ url }) => url === elsewhere.url)).toEqual([])
  })

  it('never lead inside, whoever verified that they should (FET-12)', async () => {
    const tenant = await newTenant(suite)
    const inside = startReceiver(suite.origin, 'inside.example.net', `/${randomUUID()}`)
    const subscription = await subscribe(suite, tenant, inside)
    const refused = await logged(suite, 'verification.failed', subscription)
    expect(refused).toMatchObject({ failure_code: 'address_blocked' })
    await sql`update cimd.subscriptions set state = 'active' where id = ${subscription}`.execute(
      suite.pipeline.db,
    )
    await discover(suite, tenant)
    await failed(suite, subscription)
    expect(await deliveriesOf(suite, tenant, subscription)).toMatchObject([
      { code: 'address_blocked', status: undefined, answer: undefined },
    ])
    expect(suite.origin.requests.filter(({ url }) => url === inside.url)).toEqual([])
  })
})

type Tenant = { readonly id: string; readonly api: ApiClient }

async function newTenant({ pipeline }: PipelineSuite): Promise<Tenant> {
  const name = `tenant-${randomUUID()}`
  const api = await pipeline.addTenant(name)
  return { id: await ensureTenant(pipeline.db, name), api }
}

/** A tenant with a subscription whose endpoint is verified. */
async function subscribed(suite: PipelineSuite) {
  const tenant = await newTenant(suite)
  const receiver = startReceiver(suite.origin, `${randomUUID()}.example.net`)
  const subscription = await subscribe(suite, tenant, receiver)
  await logged(suite, 'subscription.verified', subscription)
  return { tenant, receiver, subscription }
}

async function subscribe({ pipeline }: PipelineSuite, tenant: Tenant, receiver: Receiver): Promise<string> {
  // What the registrar says of its own way out, when the clock jumps, is not what these are about.
  const filter = { types: ['client.discovered', 'client.metadata_changed'] }
  const { subscription, secret } = await withTenant(pipeline.db, tenant.id, (trx) =>
    createSubscription(trx, { url: receiver.url, filter, after: undefined }),
  )
  receiver.trust(secret)
  return subscription.id
}

/** A client that the tenant has begun to use. */
async function discover({ origin }: PipelineSuite, { api }: Tenant): Promise<string> {
  const clientId = publish(origin, {}, `${randomUUID()}.example.net`)
  expect((await api.resolve({ client_id: clientId, wait_ms: 20_000 })).status).toBe(200)
  return clientId
}

async function change({ origin }: PipelineSuite, { api }: Tenant, clientId: string): Promise<void> {
  republish(origin, clientId, { client_name: randomUUID() })
  const { body } = await api.refresh({ client_id: clientId })
  expect((await api.ticket(body.ticket, 20_000)).status).toBe(200)
}

async function feedOf({ api }: Tenant, events: number): Promise<CloudEvent[]> {
  const seen: CloudEvent[] = []
  for (let after = '0'; seen.length < events; ) {
    const { body } = await api.events(after, 20_000)
    seen.push(...body.events.filter(({ type }: CloudEvent) => /discovered|metadata/.test(type)))
    after = body.next
  }
  return seen
}

const subscriptionOf = ({ pipeline }: PipelineSuite, tenant: Tenant, id: string) =>
  withTenant(pipeline.db, tenant.id, (trx) => findSubscription(trx, id))

const deliveriesOf = ({ pipeline }: PipelineSuite, tenant: Tenant, subscription: string) =>
  withTenant(pipeline.db, tenant.id, (trx) =>
    listDeliveries(trx, { subscription, state: undefined, before: undefined, limit: 100 }),
  )

function logged({ pipeline }: PipelineSuite, event: string, subscription: string): Promise<LogLine> {
  return pipeline
    .running('notifier')
    .logged((line) => line.event === event && line['subscription'] === subscription)
}

const failed = (suite: PipelineSuite, subscription: string) => logged(suite, 'delivery.failed', subscription)

/** Every attempt so far that has been recorded, or could not be. */
function settled({ pipeline }: PipelineSuite, subscription: string): readonly LogLine[] {
  return pipeline
    .logOf('notifier')
    .filter((line) => line.event?.startsWith('delivery.') && line['subscription'] === subscription)
}

/** As somebody has them who drops what was told before: the clock's jumps end the claims of deliveries under way. */
function distinct(events: readonly CloudEvent[]): readonly CloudEvent[] {
  return [...new Map(events.map((event) => [event.id, event])).values()]
}

/** Of each event the first two attempts. */
function failsNow({ id }: CloudEvent, { told }: Receiver): boolean {
  return told.filter((event) => event.id === id).length <= 2
}

function seqsOf(events: readonly CloudEvent[], clientId: string): (number | undefined)[] {
  return events.filter(({ subject }) => subject === clientId).map(({ clientseq }) => clientseq)
}
