export {
  ConfigError,
  commonEnvironment,
  count,
  loadTogether,
  milliseconds,
  parseEnvironment,
  portsVariable,
  portVariable,
  switchVariable,
} from './config.ts'
export { answerHealth, type HealthChecks, startHealthServer } from './health-server.ts'
export { createLifecycle, type Lifecycle } from './lifecycle.ts'
export { createLogger, type Logger } from './logger.ts'
export { explain, needed, runService, type Service } from './run-service.ts'
