import { z } from 'zod'
import { shortHost } from './short-host.ts'

/** What a text has places for: a translation has the same places. */
export const messageParams = z.record(z.string(), z.union([z.string(), z.number()])).readonly()
export type MessageParams = z.infer<typeof messageParams>

/**
 * A text with its places filled. What is filled in is not looked at again, so that a value cannot name a
 * place; long values, which are host names, are cut from the left.
 */
export function messageOf(template: string, params: MessageParams): string {
  return template.replace(/\{([a-z_]+)\}/g, (_, name: string) => shortHost(String(params[name])))
}
