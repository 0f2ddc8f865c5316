import { fileURLToPath } from 'node:url'
import { answerCase, compareAnswer, readVectors, type Vector } from '@cimd/cli/conformance'
import { describe, expect, it } from 'vitest'
import { isMandatory, readRequirements } from './requirements.ts'

const files = await readVectors(fileURLToPath(new URL('vectors', import.meta.url)))
const vectors = files.flatMap(({ cases }) => cases)

describe.each(files)('the vectors of $section', ({ cases }) => {
  it.each(cases.map((vector) => [vector.rules.join(', '), vector.id, vector] as const))(
    '%s: %s',
    (_rules, _id, vector) => {
      expect(compareAnswer(vector, answerCase(vector.operation, vector.input), true)).toMatchObject({
        outcome: 'passed',
        notes: [],
      })
    },
  )
})

describe('the vectors together', () => {
  it('are at least 400', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(400)
  })

  // What an implementation does against its will, or against that of whoever asks.
  const isRefusal = ({ expected: { verdict } }: Vector) =>
    Array.isArray(verdict)
      ? verdict.length > 0
      : ['refuse', 'no_match', 'unusable', 'oscillating'].includes(String(verdict))
  const mandatory = readRequirements().filter(
    (requirement) => isMandatory(requirement) && /^(?:CID|DOC|RED|KEY|CAC|CHG)-/.test(requirement.id),
  )

  it.each(mandatory.map(({ id }) => id))(
    'have a case for %s that is accepted and one that is refused',
    (rule) => {
      const verdicts = vectors.filter(({ rules }) => rules.includes(rule)).map(isRefusal)
      expect(new Set(verdicts)).toEqual(new Set([true, false]))
    },
  )

  it.each<[string, (vector: Vector) => string]>([
    ['one id', ({ id }) => id],
    ['one reason', ({ why }) => why],
    ['one input', ({ operation, input }) => JSON.stringify([operation, input])],
  ])('share none of them: each has %s of its own', (_, identity) => {
    const seen = vectors.map(identity)
    expect(seen.filter((each, index) => seen.indexOf(each) !== index)).toEqual([])
  })
})
