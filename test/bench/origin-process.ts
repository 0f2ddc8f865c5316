import { createAuthority } from '../harness/authority.ts'
import { jsonReply, serveAt } from '../harness/documents.ts'
import { startOrigin } from '../harness/origin.ts'
import { clientIdAt, DOCUMENTS, documentAt } from './documents.ts'

// The origin in a process of its own, so that what it does is not on the event loop of who measures.
const origin = await startOrigin({ hosts: [], authority: await createAuthority() })
for (let index = 0; index < DOCUMENTS; index += 1) {
  serveAt(origin, clientIdAt(index), jsonReply(documentAt(index)))
}
process.on('disconnect', () => process.exit())
process.send?.({ port: origin.port, ca: origin.ca })
