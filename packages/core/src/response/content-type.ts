/** What a Content-Type promises about a body (FET-07, FET-08); `raster`: an image that no browser runs anything in. */
export type ContentTypeClass = 'json' | 'text' | 'html' | 'raster' | 'other'

const TOKEN = "[a-z0-9!#$%&'*+.^_`|~-]+"
const RASTER_TYPES: ReadonlySet<string> = new Set(['image/gif', 'image/jpeg', 'image/png', 'image/webp'])
const MEDIA_TYPE = new RegExp(`^[\\t ]*(${TOKEN}/${TOKEN})[\\t ]*(?:;|$)`, 'i')

/** Classifies a Content-Type by its media type alone: parameters decide nothing (FET-07). */
export function classifyContentType(value: string | undefined): ContentTypeClass {
  const mediaType = MEDIA_TYPE.exec(value ?? '')?.[1]?.toLowerCase() ?? ''
  if (/^application\/(?:json|.+\+json)$/.test(mediaType)) return 'json'
  if (mediaType === 'text/plain') return 'text'
  if (mediaType === 'text/html' || mediaType === 'application/xhtml+xml') return 'html'
  return RASTER_TYPES.has(mediaType) ? 'raster' : 'other'
}
