import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { dangerouslySetClockOffset } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { republish } from '../harness/documents.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'

const STORY = readFileSync(new URL('../../docs/two-tenants.md', import.meta.url), 'utf8')
const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const PLANNER = 'https://planner.example.com/client.json'

/** What the publisher does where the story says `<!-- publisher: … -->`. */
const PUBLISHED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  first: { client_name: 'Planner', redirect_uris: ['https://planner.example.com/callback'] },
  'another redirect': {
    client_name: 'Planner',
    redirect_uris: ['https://planner.example.com/callback', 'https://mobile.planner.example.com/callback'],
  },
}

type Step =
  | { readonly kind: 'run'; readonly script: string; readonly expected: string | undefined }
  | { readonly kind: 'clock'; readonly at: string }
  | { readonly kind: 'publisher'; readonly does: string }

describe('docs/two-tenants.md', () => {
  it('says what each of its commands comes to', () => {
    expect(stepsOf(STORY).filter(({ kind }) => kind === 'run').length).toBeGreaterThan(10)
  })
})

describePipeline('a bank and an open MCP server', {}, (suite) => {
  it('POL-05, CHG-07: judge the same client each by its own policy, and the audit tells why, as the story has it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cimd-story-'))
    try {
      const shell = openShell(suite, directory)
      for (const step of stepsOf(STORY)) await play(suite, shell, step)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

async function play({ pipeline, origin }: PipelineSuite, shell: Shell, step: Step): Promise<void> {
  if (step.kind === 'publisher') {
    const members = PUBLISHED[step.does]
    if (members === undefined) throw new Error(`the publisher cannot do "${step.does}"`)
    return republish(origin, PLANNER, members)
  }
  if (step.kind === 'clock') {
    return dangerouslySetClockOffset(pipeline.db, (Date.parse(step.at) - Date.now()) / 1000)
  }
  const run = async (): Promise<string> => {
    const { exitCode, said } = await shell(step.script)
    if (process.env['CIMD_TEST_SHOW_STORY']) console.info(`$ ${step.script}\n${said}`)
    expect(exitCode, `${step.script}\n${said}`).toBe(0)
    return said
  }
  const pattern = patternOf(step.expected ?? '…')
  // The audit and the queue of reviews follow what they tell of.
  if (LOOKS.test(step.script)) await expect.poll(run, { timeout: 30_000 }).toMatch(pattern)
  else expect(await run(), step.script).toMatch(pattern)
}

/** Commands that only look, and may be tried again. */
const LOOKS = /^npx cimd (?:audit (?:show|verify)|review list)/

/** The commands, comments and expected answers of a page, in their order. */
function stepsOf(page: string): readonly Step[] {
  const found = page.matchAll(
    /^```sh\n(?<script>.*?)^```\n(?:\n```text\n(?<expected>.*?)^```\n)?|^<!-- (?<what>clock|publisher): (?<how>[^\n]*?) -->$/gms,
  )
  return Array.from(found, ({ groups = {} }): Step => {
    const { script, expected, what, how = '' } = groups
    if (script !== undefined) return { kind: 'run', script, expected }
    return what === 'clock' ? { kind: 'clock', at: how } : { kind: 'publisher', does: how }
  })
}

/** `…` stands for anything within a line, and alone on a line for any lines. */
function patternOf(expected: string): RegExp {
  const lines = expected.trimEnd().split('\n')
  const escaped = lines.map((line) =>
    line.trim() === '…'
      ? '[^]*?'
      : line
          .split('…')
          .map((part) => RegExp.escape(part))
          .join('[^\\n]*'),
  )
  return new RegExp(`^${escaped.join('\\n')}\\s*$`)
}

type Shell = (script: string) => Promise<{ readonly exitCode: number | null; readonly said: string }>

// One shell after the other, each with the variables of the one before, as at a terminal.
function openShell({ pipeline, backend }: PipelineSuite, directory: string): Shell {
  const bin = join(directory, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${MAIN}" "$@"\n`)
  chmodSync(join(bin, 'npx'), 0o755)
  const state = join(directory, 'variables')
  writeFileSync(state, '')
  const apiUrl = `http://127.0.0.1:${pipeline.running('api').port}`
  const env = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    CIMD_DATABASE_URL: pipeline.databaseUrl,
    CIMD_QUEUE_URL: backend.url,
    CIMD_API_URL: apiUrl,
  }
  return async (script) => {
    const whole = `source '${state}'; set -eu -o pipefail\n${script}\nexport -p > '${state}'`
    const child = spawn('bash', ['--norc', '-c', whole], { cwd: directory, env })
    child.stdin.end()
    const [[exitCode], stdout, stderr] = await Promise.all([
      once(child, 'close'),
      text(child.stdout),
      text(child.stderr),
    ])
    return { exitCode, said: exitCode === 0 ? stdout : stdout + stderr }
  }
}
