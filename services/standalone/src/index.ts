export { loadConfig, type StandaloneConfig, standaloneEnvironment } from './config.ts'
export { type Standalone, startStandalone } from './start-standalone.ts'
