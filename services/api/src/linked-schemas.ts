import { z } from 'zod'

const freshness = z.object({
  state: z.enum(['fresh', 'stale', 'unusable']),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  why: z.string().optional(),
})
const pending = z.literal('pending').describe('It has not been fetched yet.')
const unusable = z.literal('unusable')
const code = z.string().describe('Why, as in docs/failures.md.')
const source = z.enum(['jwks', 'jwks_uri'])

/** The keys of a client as an answer gives them: an authorization server never fetches them itself. */
export const keys = z.discriminatedUnion('status', [
  z
    .object({
      status: z.literal('ready'),
      source,
      jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
      digest: z.string().describe('sha-256 of the usable keys in canonical form, hex.'),
      freshness,
    })
    .describe(
      'The usable public keys, and no others. Whether the numbers of a key within the document are a point of its curve is not checked.',
    ),
  z.object({ status: pending, source }),
  z.object({ status: unusable, source, code }).describe('No key of the client may be accepted.'),
])
export type KeysBody = z.infer<typeof keys>

/** The logo of a client as an answer gives it: an image of our own encoding. */
export const logo = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('ready'),
    url: z.string().describe('Path at this api; it needs no key and never changes.'),
    digest: z.string().describe('sha-256 of the image, hex.'),
    content_type: z.string(),
    width: z.number().int(),
    height: z.number().int(),
  }),
  z.object({ status: pending }),
  z.object({ status: unusable, code }).describe('Show none.'),
])
export type LogoBody = z.infer<typeof logo>

export const keysRefreshRequest = z.strictObject({
  client_id: z.string().min(1).max(8192),
  kid: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('The key that is wanted. If it is there, nothing is fetched.'),
  wait_ms: z.coerce.number().int().min(0).default(5000).describe('How long to wait for the fetch.'),
})
export type KeysRefreshRequest = z.infer<typeof keysRefreshRequest>

export const refreshedKeys = z.object({ status: z.literal('ready'), client_id: z.string(), keys })
export const pendingKeys = z
  .object({ status: z.literal('pending'), client_id: z.string() })
  .describe('The fetch goes on; ask again.')
