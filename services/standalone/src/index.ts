export { loadConfig, STANDALONE_DEFAULTS, type StandaloneConfig, standaloneEnvironment } from './config.ts'
export { type Standalone, startStandalone } from './start-standalone.ts'
