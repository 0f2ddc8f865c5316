export {
  ConfigError,
  commonEnvironment,
  count,
  eventSourceVariable,
  listVariable,
  loadTogether,
  milliseconds,
  parseEnvironment,
  portsVariable,
  portVariable,
  refuseVariables,
  switchVariable,
  tenantFetchesVariable,
} from './config.ts'
export {
  type EgressChecks,
  egressEnvironment,
  egressFrom,
  LOOPBACK_IN_DEVELOPMENT_ONLY,
} from './egress-config.ts'
export { answerHealth, type HealthChecks, startHealthServer } from './health-server.ts'
export { createLifecycle, type Lifecycle } from './lifecycle.ts'
export { createLogger, type Logger } from './logger.ts'
export { type Repetition, repeat } from './repeat.ts'
export { explain, needed, runService, type Service } from './run-service.ts'
