import { describe, expect, it } from 'vitest'
import { trustPolicyJsonSchema } from './parse-policy.ts'
import { DEFAULT_TRUST_POLICY } from './policy-schema.ts'

describe('trustPolicyJsonSchema', () => {
  it('describes every member, and asks for none', () => {
    const schema = trustPolicyJsonSchema()
    expect(Object.keys(schema.properties ?? {})).toEqual(Object.keys(DEFAULT_TRUST_POLICY))
    expect(schema.required).toBeUndefined()
    expect(schema.additionalProperties).toBe(false)
    expect(schema).toMatchObject({
      title: 'Trust policy',
      properties: {
        block: { items: { oneOf: [{ required: ['host'] }, { required: ['domain'] }] } },
        warnings: { propertyNames: { enum: expect.not.arrayContaining(['url_query', 'url_root_path']) } },
      },
    })
  })
})
