import type { CacheHeaders, Validators } from '../ports.ts'

/**
 * The header fields of a stored response after a 304 (CAC-12, RFC 9111 sections 3.2 and 4.3.4): a field of the 304
 * replaces the one stored, every other is kept. Age and Date say when the old response was made, so they go with it.
 */
export function updateStoredHeaders(stored: CacheHeaders, received: CacheHeaders): CacheHeaders {
  const kept = Object.fromEntries(
    Object.entries(stored).filter(([name]) => name !== 'age' && name !== 'date'),
  )
  return isOfAnother(stored.etag?.[0], received) ? kept : { ...kept, ...received }
}

/**
 * The validators after a 304 (CAC-12). None if it is of another response than ours: to send that one's would have it
 * confirmed for ever in place of what is stored.
 */
export function updateValidators(stored: Validators, received: CacheHeaders): Validators {
  return isOfAnother(stored.etag, received) ? {} : { ...stored, ...validatorsOf(received) }
}

/** The validators of a response, as they are to be sent back (RFC 9110 section 13.1). */
export function validatorsOf(headers: CacheHeaders): Validators {
  const etag = headers.etag?.[0]
  const lastModified = headers['last-modified']?.[0]
  return { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
}

// RFC 9111 section 4.3.4: what has another strong validator must not update the stored response.
function isOfAnother(stored: string | undefined, { etag }: CacheHeaders): boolean {
  const received = etag?.[0]
  if (stored === undefined || received === undefined || received.startsWith('W/')) return false
  return stored.replace(/^W\//, '') !== received
}
