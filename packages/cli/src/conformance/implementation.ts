import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { ConformanceAnswer, Vector } from './vectors.ts'

/** Something that answers cases: ours in this process, or a program driven through its standard streams. */
export type Implementation = {
  readonly answer: (vector: Vector) => Promise<ConformanceAnswer>
  readonly close: () => Promise<void>
}

/** An answer takes microseconds; a program that says nothing for so long has misunderstood. */
const ANSWER_MS_MAX = 10_000

/**
 * Starts a command by the shell and asks it one case at a time: a line of JSON with `id`, `operation` and `input`
 * goes in, a line of JSON with `id` and the answer comes out. Its standard error is passed on.
 */
export function startImplementation(command: string, answerMsMax = ANSWER_MS_MAX): Implementation {
  const child = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(`it ended (${signal ?? `exit code ${code}`})`))
  })
  // A program that ends early is told by `ended`; writing to it afterwards says nothing more.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    answer: async ({ id, operation, input }) => {
      child.stdin.write(`${JSON.stringify({ id, operation, input })}\n`)
      const line = await withinTime(lines.next(), answerMsMax)
      if (line === undefined) throw new Error(`no answer to ${id} within ${answerMsMax} ms`)
      if (line.done) throw new Error(`no answer to ${id}: ${await ended}`)
      return readAnswer(line.value, id)
    },
    close: async () => {
      child.stdin.end()
      if ((await withinTime(ended, answerMsMax)) === undefined) child.kill('SIGKILL')
    },
  }
}

async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function readAnswer(line: string, id: string): ConformanceAnswer {
  const answer = parseLine(line)
  if (typeof answer !== 'object' || answer === null || !('id' in answer)) {
    throw new Error(`the answer to ${id} is no JSON object with an id: ${line.slice(0, 200)}`)
  }
  if (answer.id !== id) throw new Error(`the answer to ${id} is one to ${String(answer.id)}`)
  return answer as ConformanceAnswer
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
