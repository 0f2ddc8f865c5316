import { describe, expect, it } from 'vitest'
import { admitVersion } from './admission.ts'

describe('admitVersion', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'application/cimd+json'])(
    'admits a version served as %s (FET-07)',
    (contentType) => {
      expect(admitVersion({ contentType })).toEqual({ admitted: true })
    },
  )

  it.each(['text/plain', 'Text/Plain; charset=utf-8'])(
    'does not admit one served as %s, and says what to do (FET-08)',
    (contentType) => {
      expect(admitVersion({ contentType })).toEqual({
        admitted: false,
        rule: 'content_type_text',
        reason: expect.stringContaining('application/json'),
      })
    },
  )
})
