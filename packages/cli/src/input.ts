import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { explain } from '@cimd/runtime'
import { UsageError } from './exit-code.ts'

/** The bytes of a file, or of standard input for `-`. */
export async function readInput(name: string, stdin: NodeJS.ReadableStream): Promise<Uint8Array> {
  if (name === '-') return buffer(stdin)
  try {
    return await readFile(name)
  } catch (error) {
    throw new UsageError(`cannot read ${name} (a URL begins with https://): ${explain(error)}`)
  }
}

/** The JSON in what was read from a file, or from standard input for `-`. */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new UsageError(`${name === '-' ? 'standard input' : name} is not JSON`, { cause: error })
  }
}

/** The bytes of a file as they come, or of standard input, for what may be long. */
export async function* openInput(name: string, stdin: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* name === '-' ? stdin : createReadStream(name)
  } catch (error) {
    throw new UsageError(`cannot read ${name}: ${explain(error)}`)
  }
}
