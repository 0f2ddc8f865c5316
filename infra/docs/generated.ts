import { renderConfiguration, renderEnvironmentExample } from './configuration.ts'
import { renderFailures } from './failures.ts'

/** Files made from the sources, by path from the root of the repository. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  '.env.example': renderEnvironmentExample,
  'docs/configuration.md': renderConfiguration,
  'docs/failures.md': renderFailures,
}
