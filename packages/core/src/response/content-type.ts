/** What a Content-Type promises about a client metadata document (FET-07, FET-08). */
export type ContentTypeClass = 'json' | 'text' | 'html' | 'other'

const TOKEN = "[a-z0-9!#$%&'*+.^_`|~-]+"
const MEDIA_TYPE = new RegExp(`^[\\t ]*(${TOKEN}/${TOKEN})[\\t ]*(?:;|$)`, 'i')

/** Classifies a Content-Type by its media type alone: parameters decide nothing (FET-07). */
export function classifyContentType(value: string | undefined): ContentTypeClass {
  const mediaType = MEDIA_TYPE.exec(value ?? '')?.[1]?.toLowerCase() ?? ''
  if (/^application\/(?:json|.+\+json)$/.test(mediaType)) return 'json'
  if (mediaType === 'text/plain') return 'text'
  if (mediaType === 'text/html' || mediaType === 'application/xhtml+xml') return 'html'
  return 'other'
}
