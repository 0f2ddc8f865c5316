import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** What the unit tests of the specification reach of it: every branch, or `npm run coverage` fails. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['packages/core/src/**/*.test.ts'],
    // Counting slows them down, and other work may run beside them.
    testTimeout: 30_000,
    coverage: {
      include: ['packages/core/src/**/*.ts'],
      // The one re-exports, the other declares types.
      exclude: ['**/*.test.ts', 'packages/core/src/index.ts', 'packages/core/src/ports.ts'],
      thresholds: { branches: 100, functions: 100, lines: 100, statements: 100 },
      reporter: [['text', { skipFull: true }], 'text-summary'],
      reportsDirectory: 'node_modules/.cache/coverage',
    },
  },
})
