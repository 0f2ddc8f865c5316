export { type FetcherConfig, fetcherEnvironment, loadConfig } from './config.ts'
export { type InjectedNetwork, refuseDangerousEnvironment, startFetcher } from './start-fetcher.ts'
