import { CHANGE_CLASSES, type MemberChange } from '@cimd/core'
import { z } from 'zod'

/** A change of one member, as answers tell it. */
export const change = z.object({
  member: z.string(),
  class: z.enum(CHANGE_CLASSES),
  before: z.unknown().optional().describe('Absent where the member was; of a set the items that went.'),
  after: z.unknown().optional().describe('Absent where the member is; of a set the items that came.'),
})

/** Changes in the form of answers. */
export function changesBody(changes: readonly MemberChange[]): z.infer<typeof change>[] {
  return changes.map((one) => ({ ...one }))
}
