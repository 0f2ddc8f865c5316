import { pino } from 'pino'

export type Logger = pino.Logger

// An error of Redis holds the command it answers, and that of a refused login holds the password.
const SECRETS = ['*.authorization', 'req.headers.authorization', '*.password', 'err.command.args']

/** The logger of a process: JSON lines on standard output, `service` on each. Passed along, never imported. */
export function createLogger(
  service: string,
  level: string,
  destination: pino.DestinationStream = pino.destination(1),
): Logger {
  const redact = { paths: SECRETS, censor: '[redacted]' }
  return pino({ level, base: { service }, redact }, destination)
}
