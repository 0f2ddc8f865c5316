import { describe, expect, it } from 'vitest'
import { ATTACK_CASES } from '../cases.ts'
import { isPublic } from './public-address.ts'

const cases = ATTACK_CASES.flatMap((given) => (given.layer === 'ip' ? [given] : []))

describe(isPublic, () => {
  it.each(cases)('FET-17: agrees with the collected cases on $ip ($id)', ({ ip, code }) => {
    expect(isPublic(ip)).toBe(code === null)
  })
})
