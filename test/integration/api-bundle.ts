import { loadConfig, startApi } from '@cimd/api'
import { prepareQueueStore } from '@cimd/queue'
import { notify, relayOutbox } from '@cimd/store'
import { type identify, type TestStore, validRecord } from './store-bundle.ts'

/** The api alone, on a store whose attempts the test records itself. */
export async function serveApi(url: string, environment: Readonly<Record<string, string>> = {}) {
  await prepareQueueStore(url, { grantTo: ['cimd_api'] })
  const given = { CIMD_DATABASE_URL: url, CIMD_QUEUE_URL: url, CIMD_API_PORT: '0', ...environment }
  const api = await startApi(loadConfig({ ...given, CIMD_LOG_LEVEL: 'silent' }))
  return {
    baseUrl: `http://127.0.0.1:${api.port}`,
    stop: api.stop,
    [Symbol.asyncDispose]: () => api.stop(),
  }
}

/** A version of the document, relayed as the scheduler does it. */
export async function publishRelayed(
  { fetch, scheduler }: TestStore,
  clientId: ReturnType<typeof identify>,
  client_name: string,
): Promise<void> {
  await fetch(clientId, (claim) => validRecord(claim, { client_name }))
  const { tenants } = await relayOutbox(scheduler, 100)
  await notify(
    scheduler,
    tenants.map((payload) => ({ channel: 'cimd_feed', payload })),
  )
}
