import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  root,
  test: {
    // By default one core of two would be left idle.
    maxWorkers: '100%',
    // The usual second is less than a busy machine may keep a process waiting.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        root,
        test: {
          name: 'unit',
          // Some of it starts a process, for which a busy machine takes its time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: [
            'packages/*/src/**/*.test.ts',
            'services/*/src/**/*.test.ts',
            'test/*.test.ts',
            'test/conformance/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        root,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: 'test/harness/global-setup.ts',
          // Not a bound of anything here: what has to come in time says so itself.
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        root,
        test: {
          name: 'tenancy',
          include: ['test/tenancy/**/*.test.ts'],
          globalSetup: 'test/harness/global-setup.ts',
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        root,
        test: {
          name: 'attack',
          include: ['test/attack/**/*.test.ts'],
          testTimeout: 15_000,
          hookTimeout: 30_000,
          // Time and memory are asserted here: after all others, and one file at a time.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        root,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/harness/global-setup.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file starts processes of its own; two cores do not run more than this at once well.
          maxWorkers: 2,
        },
      },
    ],
  },
})
