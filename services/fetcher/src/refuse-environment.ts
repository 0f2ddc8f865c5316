import { dangerousEnvironment } from '@cimd/egress'
import { refuseVariables } from '@cimd/runtime'

/** Variables and arguments of Node that would weaken TLS or DNS behind our back. Throws `ConfigError` for any. */
export function refuseDangerousEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): void {
  refuseVariables(
    dangerousEnvironment(environment, execArgv),
    'leave it out, the fetcher decides on TLS, DNS and proxies itself',
  )
}
