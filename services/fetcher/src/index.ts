export { askRegistration } from './ask-registration.ts'
export { type FetcherConfig, fetcherEnvironment, loadConfig } from './config.ts'
export { createDeps, createRegistrationDeps, createResourceDeps } from './deps.ts'
export { fetchClient } from './fetch-client.ts'
export { fetchResources } from './fetch-resource.ts'
export { serveIsolated } from './isolation/serve-isolated.ts'
export {
  createEncodeLogo,
  type EncodedLogo,
  type EncodeLogo,
} from './logo/encode-logo.ts'
export { refuseDangerousEnvironment } from './refuse-environment.ts'
export { startFetcher } from './start-fetcher.ts'
export type { FetcherNetwork } from './way-out.ts'
