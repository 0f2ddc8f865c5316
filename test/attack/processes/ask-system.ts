import { promises as dns } from 'node:dns'
import { createResolver } from '@cimd/egress'
import { addresses, startNameServer } from '../name-server.ts'

// Asks for one name by the servers of the system, in a namespace whose resolv.conf and hosts were written to mislead,
// and tells as JSON what our resolver and what the system's own look-up made of it.

const NAME = 'client.example.com'

const server = await startNameServer(
  (question) => addresses(question, [question.name === NAME ? '93.184.215.14' : '10.9.9.9']),
  53,
)
const ours = await createResolver()(NAME, new AbortController().signal)
const questions = server.questions.map(({ name, type }) => `${type} ${name}`).toSorted()
const { address: system } = await dns.lookup(NAME, { family: 4 })
await server.close()
process.stdout.write(JSON.stringify({ ours, questions, system }))
