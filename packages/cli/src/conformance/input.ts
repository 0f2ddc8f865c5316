import { type ClientIdUrl, type ClientMetadata, parseClientIdUrl, parseClientMetadata } from '@cimd/core'
import { z } from 'zod'

/** An object as it stands in a case. */
export const jsonObject = z.record(z.string(), z.json())

/** The bytes of a document: as JSON, as text where its spelling matters, or in base64 where it is no text. */
export const content = {
  document: z.json().optional(),
  text: z.string().optional(),
  base64: z.string().optional(),
}

type Content = {
  readonly document?: unknown
  readonly text?: string | undefined
  readonly base64?: string | undefined
}

/** The bytes that a case gives in one of the three ways. */
export function bytesOf({ document, text, base64 }: Content): Uint8Array {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return new TextEncoder().encode(text ?? JSON.stringify(document))
}

/** The client_id of a case about documents, which has to be one. */
export function identifierOf(clientId: string): ClientIdUrl {
  const identified = parseClientIdUrl(clientId)
  if (!identified.ok) throw new Error(`not a client identifier URL: ${clientId}`)
  return identified.value
}

/** The document of a case that is about valid ones. */
export function acceptedDocument(clientId: string, document: object): ClientMetadata {
  const parsed = parseClientMetadata(bytesOf({ document }), identifierOf(clientId))
  if (!parsed.ok) throw new Error(`not a valid document: ${parsed.code}`)
  return parsed.metadata
}
