import { execFileSync } from 'node:child_process'
import { findExecutable } from './local-server.ts'

/** What the machine lacks for tests that build a network of their own; undefined where nothing is missing. */
export function missingForNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid?.() !== 0) return 'making network namespaces needs root'
  const missing = missingTool('ip', 'iproute2') ?? missingTool('nft', 'nftables')
  return missing ?? refusal(`cimd-${process.pid}-try`)
}

/** What is missing for tests with a real egress proxy. */
export function missingForSquid(): string | undefined {
  return missingForNamespaces() ?? missingTool('squid', 'squid')
}

/** What is missing for receivers of webhooks that are not written in TypeScript. */
export function missingForReceivers(): string | undefined {
  return missingTool('python3', 'python3') ?? missingTool('openssl', 'openssl')
}

function missingTool(command: string, debianPackage: string): string | undefined {
  return findExecutable(command) ? undefined : `no ${command} (Debian package ${debianPackage})`
}

// A container's root is often not allowed to, which only the attempt shows.
function refusal(name: string): string | undefined {
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'pipe' })
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `network namespaces cannot be made: ${(error as Error).message}`
  }
}

/**
 * How a suite treats what the machine lacks: skipped, with the reason in its title. Throws where everything has to run.
 */
export function skipFor(missing: string | undefined): { skipped: boolean; title(name: string): string } {
  if (missing !== undefined && process.env['CIMD_TEST_REQUIRE_ALL'] === '1') throw new Error(missing)
  return {
    skipped: missing !== undefined,
    title: (name) => (missing === undefined ? name : `${name} (skipped: ${missing})`),
  }
}
