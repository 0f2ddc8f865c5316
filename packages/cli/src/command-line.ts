import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFetchDocument } from '@cimd/egress'
import { readStandalone } from './connection.ts'
import { openInput, readInput } from './input.ts'
import { runProgram } from './program.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const { stdin, stdout, stderr } = process

// Whoever reads may stop early, as `head` does.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

process.exitCode = await runProgram(process.argv.slice(2), {
  version,
  environment: process.env,
  // `hasColors` minds NO_COLOR.
  output: { stdout, stderr, isTerminal: stdout.isTTY === true && stdout.hasColors() },
  findStandalone: () => readStandalone(process.cwd(), process.env),
  fetch,
  fetchDocument: (request, signal) =>
    createFetchDocument({ userAgent: `cimd-check/${version}` })(request, signal),
  readInput: (name) => readInput(name, stdin),
  openInput: (name) => openInput(name, stdin),
  monotonicMs: () => performance.now(),
  sleep,
})
