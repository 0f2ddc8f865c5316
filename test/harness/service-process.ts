import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type ServiceName = 'api' | 'fetcher' | 'scheduler' | 'notifier'

/** One service in a process of its own. */
export type ServiceProcess = {
  readonly pid: number
  /** What it told when it had started. */
  readonly told: Readonly<Record<string, unknown>>
  /** The port it listens on, if it told. */
  readonly port: number | undefined
  /** Resolves with the exit code, or undefined after a signal. */
  readonly exited: Promise<number | undefined>
  /** Its log so far, parsed. */
  readonly log: readonly LogLine[]
  /** What it wrote besides, so far. */
  readonly said: readonly string[]
  /** The first line, past or future, that satisfies. */
  readonly logged: (satisfies: (line: LogLine) => boolean) => Promise<LogLine>
  readonly kill: (signal: NodeJS.Signals) => void
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string }

/** A service that could not start: its exit code and what it said. */
export class NotStarted extends Error {
  override name = 'NotStarted'
  readonly exitCode: number | undefined
  readonly said: string

  constructor(exitCode: number | undefined, said: string) {
    super(`the service exited with ${exitCode}: ${said}`)
    this.exitCode = exitCode
    this.said = said
  }
}

/** Every test of the whole system starts several of them, which would each read all sources anew. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'cimd-test-compile-cache')

/** Starts a service and resolves when it runs; throws `NotStarted` when it ends instead. */
export async function startServiceProcess(
  name: ServiceName | 'standalone',
  environment: Readonly<Record<string, string>>,
  wrapper: Wrapper = { environment: {} },
): Promise<ServiceProcess> {
  const file = fileURLToPath(new URL(`processes/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, [file], {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE, ...environment, ...wrapper.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  if (child.pid !== undefined) wrapper.onSpawned?.(child.pid)
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? undefined)
  const log = collectLog(child)
  const said: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => said.push(text))
  const started = once(child, 'message').then(([message]) => message as { readonly port?: number })
  // What it said may still be on its way when it has ended.
  const closed = Promise.all([exited, once(child, 'close')])
  const ended = closed.then(([code]) => new NotStarted(code, said.join('')))
  const first = await Promise.race([started, ended])
  if (first instanceof Error) throw first
  return {
    pid: child.pid ?? 0,
    told: first,
    port: first.port,
    exited,
    log: log.lines,
    said,
    logged: log.logged,
    kill: (signal) => child.kill(signal),
  }
}

/** What a service says that ended because a server did not answer it in time. */
const NO_ANSWER = /no answer in \d+ ms|timeout exceeded/i
const STARTS_MAX = 4

/** As an orchestrator starts it: one that a machine which stood still has kept from its servers is started again. */
export async function startPatiently(
  ...given: Parameters<typeof startServiceProcess>
): Promise<ServiceProcess> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await startServiceProcess(...given)
    } catch (error) {
      const isSpoilt = error instanceof NotStarted && NO_ANSWER.test(error.said)
      if (!isSpoilt || tried === STARTS_MAX) throw error
    }
  }
}

/** Variables that change how the process sees the world, such as its clock. */
export type Wrapper = {
  readonly environment: Readonly<Record<string, string>>
  /** Told at once, so that it can be killed while it starts. */
  readonly onSpawned?: (pid: number) => void
}

function collectLog(child: ChildProcess) {
  const lines: LogLine[] = []
  const waiting = new Set<(line: LogLine) => void>()
  if (child.stdout === null) throw new Error('the output of the process is not a pipe')
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text)
    if (line === undefined) return
    lines.push(line)
    for (const tell of waiting) tell(line)
  })
  const logged = (satisfies: (line: LogLine) => boolean): Promise<LogLine> => {
    const past = lines.find(satisfies)
    if (past !== undefined) return Promise.resolve(past)
    return new Promise((resolve) => {
      const tell = (line: LogLine): void => {
        if (!satisfies(line)) return
        waiting.delete(tell)
        resolve(line)
      }
      waiting.add(tell)
    })
  }
  return { lines, logged }
}

// Whoever is killed may leave half a line.
function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
