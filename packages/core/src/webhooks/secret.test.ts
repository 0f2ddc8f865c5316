import { expect, it } from 'vitest'
import { formatWebhookSecret } from './secret.ts'

it('a secret is written in base64 behind its prefix, whatever its bytes', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => 255 - index)
  expect(formatWebhookSecret(secret)).toBe(`whsec_${Buffer.from(secret).toString('base64')}`)
})
