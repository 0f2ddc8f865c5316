import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { spawnBounded } from './decoder-command.ts'

const LIMITS = { decodeMs: 3000, memoryBytes: 256 * 1024 ** 2 }
const HAS_PROC = existsSync('/proc/self/limits')

/** What a script prints when it runs under the bounds of the decoder. */
async function probe(script: string): Promise<string> {
  const child = spawnBounded('-e', [script], LIMITS)
  child.stdin.end()
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return out.trim() || err
}
const attempt = (code: string): Promise<string> =>
  probe(`try { ${code}; console.log('allowed') } catch (error) { console.log(error.code) }`)

describe('a process under the bounds of the decoder (UI-06)', () => {
  it.each([
    ['read /etc/passwd', "require('fs').readFileSync('/etc/passwd')"],
    ['list the repository', "require('fs').readdirSync('../../../..')"],
    [
      "read the fetcher's own environment",
      "require('fs').readFileSync('/proc/' + process.ppid + '/environ')",
    ],
    ['write a file', "require('fs').writeFileSync('/tmp/decoder-was-here', 'x')"],
    ['start a process', "require('child_process').execFileSync('/bin/true')"],
    ['start a thread', "new (require('worker_threads').Worker)('1', { eval: true })"],
    ['open the inspector', "require('inspector').open(0)"],
  ])('cannot %s', async (_what, code) => {
    expect(await attempt(code)).toBe('ERR_ACCESS_DENIED')
  })

  it('cannot make code of text', async () => {
    expect(await probe("try { new Function('return 1')() } catch (e) { console.log(e.name) }")).toBe(
      'EvalError',
    )
  })

  it('can read this folder, so the refusals above are not for want of trying', async () => {
    expect(await attempt("require('fs').readFileSync('decoder-contract.ts')")).toBe('allowed')
  })

  it('sees no variable of the environment', async () => {
    expect(await probe('console.log(JSON.stringify(process.env))')).toBe('{}')
  })
})

describe('the network of a process under the bounds of the decoder (UI-06)', () => {
  const stack = new AsyncDisposableStack()
  afterEach(() => stack.disposeAsync())

  it('opens no socket, to this machine or through a resolver', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    stack.defer(() => void server.close())
    let connections = 0
    server.on('connection', () => {
      connections += 1
    })
    const { port } = await new Promise<{ port: number }>((resolve) =>
      server.once('listening', () => resolve(server.address() as { port: number })),
    )
    const told = 'error => console.log(error.code)'
    const connecting = `require('net').connect(${port}, '127.0.0.1').on('connect', () => console.log('open')).on('error', ${told})`
    expect(await probe(connecting)).toBe('ERR_ACCESS_DENIED')
    expect(await probe(`require('dns').promises.lookup('localhost').then(console.log, ${told})`)).toBe(
      'ERR_ACCESS_DENIED',
    )
    const binding = `require('dgram').createSocket('udp4').on('listening', () => console.log('open')).on('error', ${told})`
    expect(await probe(`${binding}.bind(0)`)).toBe('ERR_ACCESS_DENIED')
    expect(connections).toBe(0)
  })

  it.runIf(canRun('unshare -Un true'))(
    'has a network of its own, for what the machine code may do',
    async () => {
      const child = spawnBounded(
        '-e',
        ["process.stdin.on('end', () => {}).resume(); console.log('up')"],
        LIMITS,
      )
      await new Promise((resolve) => child.stdout.once('data', resolve))
      const [own, ours] = [child.pid, 'self'].map((pid) => readlinkSync(`/proc/${pid}/ns/net`))
      child.stdin.end()
      expect(own).not.toBe(ours)
    },
  )
})

describe.runIf(HAS_PROC)("the kernel's bounds on a decoder", () => {
  it('are set: processor time, data, files, descriptors, core', async () => {
    const child = spawnBounded(
      '-e',
      ["process.stdin.on('end', () => {}).resume(); console.log('up')"],
      LIMITS,
    )
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const limits = execFileSync('cat', [`/proc/${child.pid}/limits`], { encoding: 'utf8' })
    const score = execFileSync('cat', [`/proc/${child.pid}/oom_score_adj`], { encoding: 'utf8' })
    child.stdin.end()
    const limitOf = (name: string) => new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1]
    expect(limitOf('Max cpu time')).toBe('5')
    expect(limitOf('Max data size')).toBe(String(1280 * 1024 ** 2))
    expect(limitOf('Max file size')).toBe('0')
    expect(limitOf('Max core file size')).toBe('0')
    expect(limitOf('Max open files')).toBe('64')
    expect(score.trim()).toBe('1000')
  })

  it('end a process that spins, without anybody watching', { timeout: 120_000 }, async () => {
    const child = spawnBounded('-e', ['for (;;);'], { ...LIMITS, decodeMs: 1 })
    const signal = await new Promise((resolve) => child.once('exit', (_status, by) => resolve(by)))
    expect(signal).toBe('SIGXCPU')
  })
})

describe.runIf(HAS_PROC && canRun('setpriv --pdeathsig KILL true'))('the life of a decoder', () => {
  it('ends with a fetcher that is killed, even while it is stopped', { timeout: 60_000 }, async () => {
    const fetcher = spawn(process.execPath, ['--input-type=module', '-e', FETCHER], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [told] = await once(fetcher.stdout, 'data')
    const decoder = Number(told)
    try {
      process.kill(decoder, 'SIGSTOP')
      await untilState(decoder, /[Tt]/)
      fetcher.kill('SIGKILL')
      await untilState(decoder, /[ZX]|^$/)
    } finally {
      fetcher.kill('SIGKILL')
      if (!/[ZX]|^$/.test(stateOf(decoder))) process.kill(decoder, 'SIGKILL')
    }
  })
})

/** Starts a decoder that waits for its image, and tells its process id. */
const FETCHER = `
  const { spawnBounded } = await import('./decoder-command.ts')
  const child = spawnBounded('-e', ["process.stdin.resume(); console.log('up')"], ${JSON.stringify(LIMITS)})
  child.stdout.once('data', () => console.log(child.pid))`

/** The letter of proc(5) for what a process does; empty once it is gone. */
function stateOf(pid: number): string {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? ''
  } catch {
    return ''
  }
}

async function untilState(pid: number, state: RegExp): Promise<void> {
  while (!state.test(stateOf(pid))) await new Promise((resolve) => setImmediate(resolve))
}

function canRun(command: string): boolean {
  try {
    execFileSync('/bin/sh', ['-c', command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
