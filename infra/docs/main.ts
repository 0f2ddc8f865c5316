import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { GENERATED } from './generated.ts'
import { renderTerminal } from './terminal.ts'

// Writes every generated document: `npm run docs`. test/docs.test.ts fails while one made from the sources is out of
// date; the picture is of a run, whose times differ.

for (const [path, render] of Object.entries(GENERATED)) {
  writeFileSync(path, render())
  console.log(path)
}
writeFileSync('docs/demo.svg', renderTerminal('npm run demo', runDemo()))
console.log('docs/demo.svg')

function runDemo(): string {
  const environment = { ...process.env, FORCE_COLOR: '1', CIMD_DATABASE_URL: '', CIMD_QUEUE_URL: '' }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['test/demo/main.ts'], {
    env: environment,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the demo failed:\n${stdout}${stderr}`)
  return stdout
}
