import { readFileSync, writeFileSync } from 'node:fs'
import { parseRegistry, REGISTRIES } from './registry.ts'

// Brings the address registries of packages/egress up to date: `npm run registries`, from IANA, or
// `npm run registries -- ipv4.csv ipv6.csv`, from files fetched elsewhere. Then `npm run docs` and the tests.

const files = process.argv.slice(2)
if (files.length !== 0 && files.length !== REGISTRIES.length) {
  throw new Error(`expected no file or ${REGISTRIES.length}, the IPv4 registry first`)
}
for (const [index, { url, file }] of REGISTRIES.entries()) {
  const saved = files[index]
  const rows = parseRegistry(saved === undefined ? await download(url) : readFileSync(saved, 'utf8'))
  const next = `${JSON.stringify(rows, null, 2)}\n`
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, next)
  console.log(`${file}: ${rows.length} blocks, ${next === before ? 'unchanged' : 'CHANGED: review the diff'}`)
}

async function download(url: string): Promise<string> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return await response.text()
}
