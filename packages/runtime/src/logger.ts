import { pino } from 'pino'

export type Logger = pino.Logger

/** The logger of a process: JSON lines on standard output, `service` on each. Passed along, never imported. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    redact: { paths: ['*.authorization', 'req.headers.authorization', '*.password'], censor: '[redacted]' },
  })
}
