import { readFileSync } from 'node:fs'
import { z } from 'zod'

const answers = z.object({
  A: z.array(z.string()).optional(),
  AAAA: z.array(z.string()).optional(),
  CNAME: z.array(z.string()).optional(),
  error: z.string().optional(),
})

const base = {
  id: z.string(),
  category: z.string(),
  expect: z.enum(['accept', 'reject']),
  code: z.string().nullable(),
}

const attackCase = z.discriminatedUnion('layer', [
  z.object({ ...base, layer: z.literal('url'), client_id_url: z.coerce.string() }),
  z.object({ ...base, layer: z.literal('ip'), ip: z.string() }),
  z.object({ ...base, layer: z.literal('dns'), dns_answers: answers }),
  z.object({ ...base, layer: z.literal('response'), server_behaviour: z.string() }),
  z.object({ ...base, layer: z.literal('process') }),
  z.object({ ...base, layer: z.literal('network') }),
])

/** One row of ssrf-cases.json. */
export type AttackCase = z.infer<typeof attackCase>

const FILE = new URL('ssrf-cases.json', import.meta.url)

/** The collected cases of server-side request forgery, in the order of the file. */
export const ATTACK_CASES: readonly AttackCase[] = z
  .object({ cases: z.array(attackCase) })
  .parse(JSON.parse(readFileSync(FILE, 'utf8'))).cases
