import { type Order, soakUnder } from '../fetcher.ts'

// The process whose memory is measured: it fetches and does nothing else. All servers are in its parent, with which it
// ends. Run with --expose-gc.

process.on('disconnect', () => process.exit())
process.once('message', async (order: Order) => {
  const findings = await soakUnder(order, (sample) => process.send?.({ sample }))
  process.send?.({ findings })
})
