export { loadConfig, type SchedulerConfig, schedulerEnvironment } from './config.ts'
export { startScheduler } from './start-scheduler.ts'
