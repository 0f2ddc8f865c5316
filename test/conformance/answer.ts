import { createInterface } from 'node:readline'
import { answerCase, OPERATIONS, type Operation } from '@cimd/cli/conformance'

// The registrar as a foreign implementation sees itself: a line of JSON in, a line of JSON out. It is an example to copy.
for await (const line of createInterface({ input: process.stdin })) {
  const { id, operation, input } = JSON.parse(line)
  console.log(JSON.stringify({ id, ...answer(operation, input) }))
}

function answer(operation: string, input: unknown): object {
  if (!isOperation(operation)) return { skipped: `no such operation here: ${operation}` }
  return answerCase(operation, input)
}

function isOperation(operation: string): operation is Operation {
  return OPERATIONS.some((known) => known === operation)
}
