export { startBridges } from './bridge/start-bridges.ts'
export { loadConfig, type NotifierConfig, notifierEnvironment } from './config.ts'
export { startNotifier } from './start-notifier.ts'
