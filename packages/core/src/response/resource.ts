import { DOCUMENT_BYTES_MAX } from '../document/client-metadata.ts'
import type { ContentTypeClass } from './content-type.ts'

/**
 * What is fetched: of a client's publisher its metadata document, its key set, its logo (FET-13); of a registry, what it says
 * of a registrable domain (RFC 9083, CHG-05).
 */
export type ResourceKind = 'document' | 'jwks' | 'logo' | 'registration'

/** What may be asked for and taken of one kind of resource. */
export type ResourceRules = {
  /** The most that is read of a body, in bytes (FET-10, FET-11). */
  readonly bodyBytesMax: number
  readonly accept: string
  readonly contentTypes: ReadonlySet<ContentTypeClass>
}

/** One row for each kind: key sets (KEY-14) and logos have caps and types of their own (FET-11). */
export const RESOURCES: Readonly<Record<ResourceKind, ResourceRules>> = {
  document: {
    bodyBytesMax: DOCUMENT_BYTES_MAX,
    accept: 'application/cimd+json, application/json;q=0.9, application/*+json;q=0.8',
    contentTypes: new Set(['json', 'text']),
  },
  jwks: {
    bodyBytesMax: 65_536,
    accept: 'application/jwk-set+json, application/json;q=0.9',
    contentTypes: new Set(['json']),
  },
  logo: {
    bodyBytesMax: 262_144,
    accept: 'image/png, image/webp, image/jpeg;q=0.9, image/gif;q=0.8',
    contentTypes: new Set(['raster']),
  },
  registration: {
    bodyBytesMax: 65_536,
    accept: 'application/rdap+json',
    contentTypes: new Set(['json']),
  },
}
