import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { GENERATED } from '../infra/docs/generated.ts'

it.each(Object.entries(GENERATED))('%s is what `npm run docs` makes', (path, render) => {
  expect(readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')).toBe(render())
})
