import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createNamespaces, type Namespaces } from './namespaces.ts'

/** Where a probe goes: at once, or by CONNECT through a proxy. */
export type Target = {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  readonly through?: { readonly address: string; readonly port: number }
}
/** What became of a probe: `reached`, or the error or HTTP status that refused it. */
export type Outcome = Target & { readonly answer: string; readonly elapsedMs: number }
/** What a guarded fetch of a name with one address came to. */
export type Fetched = { readonly address: string; readonly code: string }

/** What the egress process is asked to do. */
export type FetchOrder = { readonly addresses: readonly string[]; readonly proxy?: string }

/** The hosts, and what runs on them. */
export type Rig = Omit<Namespaces, 'remove'> & {
  /** Probes all targets at once from work, with nothing of our own code. */
  probe(targets: readonly Target[]): Promise<readonly Outcome[]>
  /** Fetches, guarded, from work: one name for each address. */
  fetchFrom(order: FetchOrder): Promise<readonly Fetched[]>
  /** What arrived at inet, or at the loopback interface of work, since the last call. */
  arrived(): Promise<readonly string[]>
  close(): Promise<void>
}

/** Builds the rig, which goes with `close`. */
export async function startRig(): Promise<Rig> {
  const { remove, ...namespaces } = createNamespaces()
  const work = createRunner(namespaces.name('work'))
  const inet = createRunner(namespaces.name('inet'))
  const close = async () => {
    await Promise.all([work.endAll(), inet.endAll()])
    remove()
  }
  try {
    const [prober, ...sinks] = await Promise.all([
      work.start('raw-probe.ts'),
      work.start('sink.ts'),
      inet.start('sink.ts'),
    ])
    const arrived = async () => (await Promise.all(sinks.map((sink) => ask<readonly string[]>(sink)))).flat()
    await askTheWay(prober)
    await arrived()
    return {
      ...namespaces,
      probe: (targets) => ask<readonly Outcome[]>(prober, targets),
      fetchFrom: async (order) => ask<readonly Fetched[]>(await work.start('egress-probe.ts'), order),
      arrived,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Runner = { start(file: string): Promise<ChildProcess>; endAll(): Promise<void> }

function createRunner(namespace: string): Runner {
  const children = new Set<ChildProcess>()
  return {
    start: async (file) => {
      const child = startProcess(namespace, file)
      children.add(child)
      child.once('exit', () => children.delete(child))
      await nextMessage(child)
      return child
    },
    endAll: async () => {
      await Promise.all([...children].map(end))
    },
  }
}

function startProcess(namespace: string, file: string): ChildProcess {
  const path = fileURLToPath(new URL(`processes/${file}`, import.meta.url))
  const environment = { PATH: process.env['PATH'] ?? '' }
  return spawn('ip', ['netns', 'exec', namespace, process.execPath, path], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: environment,
  })
}

// Neighbours are found before hundreds of packets wait for them, of which a kernel drops some.
async function askTheWay(prober: ChildProcess): Promise<void> {
  const target = { protocol: 'tcp', port: 443 } as const
  const outcomes = await ask<readonly Outcome[]>(prober, [
    { ...target, address: '192.0.2.1' },
    { ...target, address: '2001:db8::1' },
  ])
  const lost = outcomes.find(({ answer }) => answer !== 'reached')
  if (lost !== undefined) throw new Error(`${lost.address} cannot be reached in the rig: ${lost.answer}`)
}

function ask<Answer>(child: ChildProcess, question: object = {}): Promise<Answer> {
  const answer = nextMessage<Answer>(child)
  child.send(question)
  return answer
}

async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const ended = new AbortController()
  const exited = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.at(-1)} ended with ${code} before it answered`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: ended.signal }), exited])
    return message as Message
  } finally {
    exited.catch(() => undefined)
    ended.abort()
  }
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  if (child.kill()) await exited
}
