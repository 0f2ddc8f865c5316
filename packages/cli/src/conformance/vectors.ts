import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { explain } from '@cimd/runtime'
import { z } from 'zod'
import { UsageError } from '../exit-code.ts'

/** What a case asks of an implementation; test/conformance/README.md gives the input and answer of each. */
export const OPERATIONS = [
  ...['identifier', 'document', 'profile', 'redirect', 'auth_method', 'capabilities'],
  ...['response', 'freshness', 'history', 'changes', 'oscillation'],
] as const satisfies readonly string[]

export type Operation = (typeof OPERATIONS)[number]

const answer = z.record(z.string(), z.json()).describe('At least `verdict`.')

const vector = z.strictObject({
  id: z.string().regex(/^[a-z]+\/[a-z0-9]+(?:-[a-z0-9]+)*$/),
  rules: z.array(z.string().regex(/^[A-Z]+-\d\d$/)).min(1),
  operation: z.enum(OPERATIONS),
  input: z.record(z.string(), z.json()),
  expected: answer.refine((expected) => 'verdict' in expected, 'has no verdict'),
  why: z.string().min(10),
})

const vectorFile = z.strictObject({
  section: z.string(),
  source: z.string().describe('The part of a specification that the cases are of.'),
  cases: z.array(vector).min(1),
})

/** One question to an implementation, with the answer that the rules demand. */
export type Vector = z.infer<typeof vector>

/** What an implementation says to the input of a case. */
export type ConformanceAnswer = Readonly<Record<string, unknown>>

/** The cases of one file, which is one section. */
export type VectorFile = z.infer<typeof vectorFile>

/** Reads every `*.json` of a folder; whatever is no vector file is told with its name and place. */
export async function readVectors(folder: string): Promise<readonly VectorFile[]> {
  const names = (await list(folder)).filter((name) => name.endsWith('.json')).toSorted()
  if (names.length === 0) throw new UsageError(`there is no *.json in ${folder}`)
  return Promise.all(names.map((name) => readVectorFile(join(folder, name))))
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw new UsageError(`cannot read ${folder}: ${explain(error)}`)
  }
}

async function readVectorFile(path: string): Promise<VectorFile> {
  const parsed = vectorFile.safeParse(parseJson(await readFile(path, 'utf8'), path))
  if (parsed.success) return parsed.data
  throw new UsageError(`${path} is no file of vectors:\n${z.prettifyError(parsed.error)}`)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${explain(error)}`)
  }
}
