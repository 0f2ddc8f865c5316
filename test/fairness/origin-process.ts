import { setTimeout as delay } from 'node:timers/promises'
import { createAuthority } from '../harness/authority.ts'
import { documentOf } from '../harness/documents.ts'
import { type Handler, startOrigin } from '../harness/origin.ts'
import { clientIdAt } from './documents.ts'

// In a process of its own, so that what it does is not on the event loop of who measures.
const [documents, answerMs] = process.argv.slice(2).map(Number)
const origin = await startOrigin({ hosts: [], authority: await createAuthority() })
for (let index = 0; index < (documents ?? 0); index += 1) {
  const { hostname, pathname } = new URL(clientIdAt(index))
  origin.serve(hostname, pathname, answerSlowly(index))
}
process.on('disconnect', () => process.exit())
process.send?.({ port: origin.port, ca: origin.ca })

function answerSlowly(index: number): Handler {
  return async (_request, response) => {
    await delay(answerMs)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(documentOf(clientIdAt(index))))
  }
}
