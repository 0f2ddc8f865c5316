import { describeViolations, judgeKeySet, type KeySet } from '@cimd/core'
import type { Held } from './evaluate-resource.ts'

/** Judges the bytes at a jwks_uri; `importableKeys` drops what is no key. */
export async function examineKeys(
  importableKeys: (keySet: KeySet) => Promise<KeySet>,
  body: Uint8Array,
): Promise<Held> {
  const judged = judgeKeySet(body)
  if (judged.ok) return { kind: 'keys', keySet: await importableKeys(judged.keySet) }
  return { kind: 'unusable', code: judged.code, detail: describeViolations(judged.violations) }
}
