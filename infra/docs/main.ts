import { writeFileSync } from 'node:fs'
import { GENERATED } from './generated.ts'

// Writes every generated document: `npm run docs`. test/docs.test.ts fails while one of them is out of date.

for (const [path, render] of Object.entries(GENERATED)) {
  writeFileSync(path, render())
  console.log(path)
}
