export { loadConfig, type SchedulerConfig } from './config.ts'
export { startScheduler } from './start-scheduler.ts'
