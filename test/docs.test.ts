import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseTrustPolicy } from '@cimd/core'
import { expect, it } from 'vitest'
import { GENERATED } from '../infra/docs/generated.ts'

it.each(Object.entries(GENERATED))('%s is what `npm run docs` makes', (path, render) => {
  expect(readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')).toBe(render())
})

it('POL-01: every policy that docs/trust-policy.md shows is one that is taken', () => {
  const page = readFileSync(new URL('../docs/trust-policy.md', import.meta.url), 'utf8')
  const written = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => JSON.parse(text))
  const policies = written.filter((value) => 'mode' in value)
  expect(policies.length).toBeGreaterThan(1)
  expect(policies.map((policy) => parseTrustPolicy(policy))).toEqual(
    policies.map(() => expect.objectContaining({ ok: true })),
  )
})
