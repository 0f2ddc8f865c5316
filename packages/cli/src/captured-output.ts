import type { Output } from './print.ts'

/** An output for tests, and what was written to it. */
export function captureOutput({ isTerminal = false } = {}): {
  readonly output: Output
  readonly stdout: () => string
  readonly stderr: () => string
} {
  const written = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text
    },
  })
  return {
    output: { stdout: sink('stdout'), stderr: sink('stderr'), isTerminal },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
  }
}
