export { type FetcherConfig, loadConfig } from './config.ts'
export { type InjectedNetwork, startFetcher } from './start-fetcher.ts'
