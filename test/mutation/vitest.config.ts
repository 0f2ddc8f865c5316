import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** The tests that judge mutants: the unit tests beside the code, and the conformance vectors. */
export default defineConfig({
  root: at(''),
  // The links in node_modules lead to the sources as they are; a mutant is in a copy of them.
  resolve: {
    alias: {
      '@cimd/core': at('packages/core/src/index.ts'),
      '@cimd/cli/conformance': at('packages/cli/src/conformance/index.ts'),
    },
  },
  test: {
    include: [
      'packages/core/src/{identifier,document,redirect,json}/**/*.test.ts',
      'test/conformance/vectors.test.ts',
    ],
  },
})
