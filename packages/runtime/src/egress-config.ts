import { z } from 'zod'
import { listVariable } from './config.ts'

/** Whether the way out takes a setting; `@cimd/egress`, which this package does not know, can tell. */
export type EgressChecks = {
  readonly proxy: (url: string) => boolean
  readonly deniedBlocks: (blocks: readonly string[]) => boolean
  readonly nat64Prefixes: (prefixes: readonly string[]) => boolean
  readonly dnsServers: (servers: readonly string[]) => boolean
}

/** Variables of the way out: through what, to what, as whom, and what a deployment refuses besides. */
export function egressEnvironment(takes: EgressChecks) {
  return {
    CIMD_EGRESS_PROXY: z
      .string()
      .refine((text) => /^http:\/\/[^/?#]+\/?$/.test(text) && takes.proxy(text), {
        error:
          'must be a URL such as http://proxy:3128 or http://user:password@proxy:3128, without a path, user and password percent-encoded',
      })
      .optional()
      .describe(
        'An HTTP proxy that all fetches and deliveries go through, by CONNECT to the address that was vetted; it needs no DNS.',
      ),
    CIMD_EGRESS_DENIED_BLOCKS: listVariable(
      takes.deniedBlocks,
      'must be blocks of addresses separated by commas, each written in full and IPv4 as IPv4, such as 198.51.100.0/24,2001:db8::/32',
    ).describe(
      "Blocks of addresses refused besides all special-use ones, separated by commas: the deployment's own public ranges.",
    ),
    CIMD_EGRESS_NAT64_PREFIXES: listVariable(
      takes.nat64Prefixes,
      'must be prefixes of RFC 6052 separated by commas, such as 64:ff9b::/96',
    ).describe(
      "On an IPv6-only network, its translators' prefixes, separated by commas: what they embed is judged as IPv4.",
    ),
    CIMD_DNS_SERVERS: listVariable(
      takes.dnsServers,
      'must be IP addresses separated by commas, each with a port or without, such as 9.9.9.9,[2620:fe::fe]:53',
    ).describe("Name servers to ask, separated by commas; the system's if it is empty."),
    CIMD_USER_AGENT: z
      .string()
      .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
      .default('cimd-registrar/0.1')
      .describe('Sent to every origin and webhook. Add a URL at which the operator can be reached.'),
    CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: z
      .enum(['true', 'false'], { error: 'must be true or false' })
      .default('false')
      .describe(
        'Development only: documents and webhooks may be served from this machine. Production refuses to start with it.',
      ),
  }
}

type EgressEnvironment = z.output<z.ZodObject<ReturnType<typeof egressEnvironment>>>

/** The way out, as `@cimd/egress` takes it. */
export function egressFrom(env: EgressEnvironment) {
  return {
    proxy: env.CIMD_EGRESS_PROXY,
    dnsServers: env.CIMD_DNS_SERVERS,
    addresses: {
      deniedBlocks: env.CIMD_EGRESS_DENIED_BLOCKS,
      nat64Prefixes: env.CIMD_EGRESS_NAT64_PREFIXES,
    },
    userAgent: env.CIMD_USER_AGENT,
    dangerouslyAllowLoopback: env.CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS === 'true',
  }
}

/** For `refine`: production has no targets on loopback (FET-15). Said beside other problems, so that all are reported at once. */
export const LOOPBACK_IN_DEVELOPMENT_ONLY = [
  (given: { readonly CIMD_ENV: string; readonly CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: string }): boolean =>
    given.CIMD_ENV !== 'production' || given.CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS === 'false',
  {
    path: ['CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS'] as string[],
    error: 'is for development and refused with CIMD_ENV=production: unset it',
    when: () => true,
  },
] as const
