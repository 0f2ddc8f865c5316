import { dangerouslySetClockOffset, setApproval } from '@cimd/store'
import { afterEach, expect, it } from 'vitest'
import { publish, republish } from '../harness/documents.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { HOUR, MINUTE } from '../harness/times.ts'

const [LISTED, ADDED] = ['https://app.example.net/cb', 'https://app.example.net/added']

describePipeline('versions', {}, (suite) => {
  afterEach(() => dangerouslySetClockOffset(suite.pipeline.db, 0))

  /** Publishes another version and has it fetched; the answer to it. */
  async function replace(clientId: string, members: Record<string, unknown>) {
    republish(suite.origin, clientId, members)
    const { body } = await suite.pipeline.api.refresh({ client_id: clientId })
    return suite.pipeline.api.ticket(body.ticket, 20_000)
  }

  it('CHG-07: an approval holds what widens, in the answer to the fetch that found it', async () => {
    const { api, tenantId, db } = suite.pipeline
    const clientId = publish(suite.origin, { redirect_uris: [LISTED] })
    const { body: first } = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    await setApproval(db, { tenantId, clientId, digest: first.digest })
    const { body } = await replace(clientId, { redirect_uris: [LISTED, ADDED], client_name: 'Renamed' })
    expect(body.document).toMatchObject({ redirect_uris: [LISTED], client_name: 'Renamed' })
    expect(body.effective.held).toMatchObject([{ member: 'redirect_uris', after: [ADDED] }])
    const query = new URLSearchParams({ client_id: clientId, since: first.digest })
    const changes = await api.request(`/v1/client/changes?${query}`)
    expect(changes.body).toMatchObject({ to_digest: body.digest, classes: ['display'] })
  })

  it('CHG-10: a document that comes and goes is announced once it rests, and a removed redirect at once', async () => {
    const { api } = suite.pipeline
    const clientId = publish(suite.origin, { client_name: 'A', redirect_uris: [LISTED, ADDED] })
    await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    const both = [LISTED, ADDED]
    for (const client_name of ['B', 'A', 'B', 'A', 'B', 'A', 'B']) {
      await replace(clientId, { client_name, redirect_uris: both })
    }
    const told = async () => {
      const { body } = await api.request(`/v1/client?${new URLSearchParams({ client_id: clientId })}`)
      const events = body.history.filter(({ kind }: { kind: string }) => kind === 'event')
      return events
        .toReversed()
        .map(({ type, data }: { type: string; data: { classes?: string[] } }) =>
          data.classes === undefined ? type : data.classes.join(),
        )
    }
    // B, back to A, to B; with the third return the rest is held.
    const swings = ['client.discovered', 'display', 'display', 'display']
    expect(await told()).toEqual(swings)
    await replace(clientId, { client_name: 'B', redirect_uris: [LISTED] })
    expect(await told()).toEqual([...swings, 'narrowing'])
    await replace(clientId, { client_name: 'A', redirect_uris: [LISTED] })
    await replace(clientId, { client_name: 'B', redirect_uris: [LISTED] })
    await replace(clientId, { client_name: 'A', redirect_uris: [LISTED] })
    expect(await told()).toEqual([...swings, 'narrowing'])
    await dangerouslySetClockOffset(suite.pipeline.db, 25 * HOUR)
    await replace(clientId, { client_name: 'A', redirect_uris: [LISTED] })
    expect(await told()).toEqual([...swings, 'narrowing', 'display'])
  })

  it("a publisher's refresh is fetched without anybody's demand", async () => {
    const { api, db } = suite.pipeline
    const clientId = publish(suite.origin)
    await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    await dangerouslySetClockOffset(db, 2 * MINUTE)
    const fetched = suite.origin.nextRequest(clientId)
    const answer = await api.request('/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: '' },
      body: JSON.stringify({ client_id: clientId }),
    })
    expect([answer.status, answer.body]).toEqual([202, {}])
    await fetched
    expect(suite.origin.hits(clientId)).toBe(2)
  })
})
