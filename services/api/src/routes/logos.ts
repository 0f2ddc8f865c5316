import { findLogo, type StoredLogo } from '@cimd/store'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import { requestProblem } from '../problem.ts'
import { sendProblem } from '../problem-response.ts'
import { problems } from '../schemas.ts'

const DIGEST = /^[0-9a-f]{64}$/

const parameters = z.object({ digest: z.string().describe('sha-256 of the image, hex.') })
const headers = z.object({ 'if-none-match': z.string().optional() })
const picture = z.any().meta({ type: 'string', format: 'binary' })
const image = {
  description: 'The image, of at most 512 by 512 pixels.',
  content: { 'image/webp': { schema: picture }, 'image/png': { schema: picture } },
}

/** `/logos/:digest`, without a key: what users' browsers load for a consent page (UI-04, UI-06). */
export function registerLogoRoutes(app: App, { db }: Pick<AppDeps, 'db'>): void {
  const response = { 200: image, 304: z.null().describe('The browser has it.'), ...problems }
  const schema = { params: parameters, headers, security: [], response }
  app.get('/logos/:digest', { schema }, async (request, reply) => {
    const { digest } = request.params
    const logo = DIGEST.test(digest) ? await findLogo(db, digest) : undefined
    // Or a cache would keep the answer from whoever asks once it is there.
    if (logo === undefined) {
      return sendProblem(reply.header('cache-control', 'no-store'), requestProblem('not_found'))
    }
    reply.headers(headersOf(digest, logo))
    if (matches(request.headers['if-none-match'], digest)) return reply.code(304).send(null)
    return reply.send(Buffer.from(logo.body))
  })
}

/** The bytes are of our own encoding; even so a browser is told to run nothing in them, whatever it takes them for. */
function headersOf(digest: string, { contentType }: StoredLogo): Record<string, string> {
  return {
    'content-type': contentType,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    // The consent page is of another origin than this api.
    'cross-origin-resource-policy': 'cross-origin',
    'content-disposition': `inline; filename="${digest.slice(0, 16)}.${contentType.slice('image/'.length)}"`,
    'cache-control': 'public, max-age=31536000, immutable',
    etag: `"${digest}"`,
  }
}

/** Whether If-None-Match names the only representation there is (RFC 9110 section 13.1.2). */
function matches(ifNoneMatch: string | undefined, digest: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(`"${digest}"`)
}
