import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { captureOutput } from '../captured-output.ts'
import { UsageError } from '../exit-code.ts'
import { type ConformanceArgs, runConformance } from './conformance.ts'

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
const VECTORS = join(REPOSITORY, 'test/conformance/vectors')
const folder = mkdtempSync(join(tmpdir(), 'cimd-vectors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const NODE = JSON.stringify(process.execPath)

/** A command that answers every line with the value of an expression over `id`, `operation` and `input`. */
function answering(name: string, expression: string): string {
  const path = join(folder, `${name}.mjs`)
  const program = `import { createInterface } from 'node:readline'
for await (const line of createInterface({ input: process.stdin })) {
  const { id, operation, input } = JSON.parse(line)
  console.log(JSON.stringify(${expression}))
}`
  writeFileSync(path, program)
  return `${NODE} ${JSON.stringify(path)}`
}

async function run(args: Partial<ConformanceArgs>) {
  const { output, stdout } = captureOutput()
  const given = {
    vectors: VECTORS,
    exec: undefined,
    strict: undefined,
    rule: undefined,
    json: undefined,
    ...args,
  }
  return { exitCode: await runConformance(output, given), stdout: stdout() }
}

describe('runConformance', () => {
  it('passes with this implementation, codes and all', async () => {
    const { exitCode, stdout } = await run({})
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^all +\d{3} +0 +0$/m)
  })

  it('passes with this implementation driven through its standard streams', async () => {
    const exec = `${NODE} ${JSON.stringify(join(REPOSITORY, 'test/conformance/answer.ts'))}`
    const { exitCode, stdout } = await run({ exec, strict: true, json: true })
    expect(JSON.parse(stdout)).toMatchObject({ failed: 0, skipped: 0 })
    expect(exitCode).toBe(0)
  })

  it('asks for no codes of an implementation that has its own', async () => {
    const verdictOnly = "{ id, verdict: input.client_id.includes('#') ? 'refuse' : 'accept' }"
    const { exitCode } = await run({ exec: answering('no-codes', verdictOnly), rule: 'CID-07' })
    expect(exitCode).toBe(0)
  })

  it('says where another implementation differs, and why that matters', async () => {
    const { exitCode, stdout } = await run({
      exec: answering('lenient', "{ id, verdict: 'accept' }"),
      rule: 'CID-07',
    })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✗ identifier/fragment-empty  (CID-07)')
    expect(stdout).toContain('verdict: expected "refuse", got "accept"')
    expect(stdout).toContain('A bare # is an empty fragment')
  })

  it('counts what is not implemented apart, and passes nothing by it', async () => {
    const { exitCode, stdout } = await run({
      exec: answering('idle', "{ id, skipped: 'not here' }"),
      rule: 'CID-07',
    })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('- identifier/fragment-empty  (CID-07)\n    not here')
    expect(stdout).toMatch(/^all +0 +0 +\d+$/m)
  })

  it.each([
    ['ends at once', `${NODE} -e 0`, 'it ended (exit code 0)'],
    ['is not there', 'no-such-command-here', 'it ended (exit code 127)'],
    ['answers no JSON', answering('babbler', "'hello'").replace(/$/, ''), 'is no JSON object with an id'],
    ['answers another question', answering('elsewhere', "{ id: 'x', verdict: 'accept' }"), 'is one to x'],
  ])('names the trouble with a command that %s', async (_, exec, message) => {
    await expect(run({ exec })).rejects.toThrow(message)
  })

  it.each<[string, string | undefined, string]>([
    ['an empty folder', undefined, 'there is no *.json'],
    ['what is not JSON', '{', 'is not JSON'],
    ['what is no file of vectors', '{"section":"x"}', 'is no file of vectors'],
    [
      'a case without a verdict',
      '{"section":"x","source":"y","cases":[{"id":"x/a","rules":["CID-01"],"operation":"identifier","input":{},"expected":{},"why":"for no reason"}]}',
      'has no verdict',
    ],
  ])('refuses %s', async (_, content, message) => {
    const vectors = mkdtempSync(join(folder, 'given-'))
    if (content !== undefined) writeFileSync(join(vectors, 'a.json'), content)
    await expect(run({ vectors })).rejects.toThrow(message)
    await expect(run({ vectors })).rejects.toThrow(UsageError)
  })

  it('refuses a folder that is not there, and a rule that no case is of', async () => {
    await expect(run({ vectors: join(folder, 'nowhere') })).rejects.toThrow(UsageError)
    await expect(run({ rule: 'NO-00' })).rejects.toThrow('no case is of rule NO-00')
  })
})
