import { execFile, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatWebhookSecret } from '@cimd/core'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../harness/authority.ts'
import { missingForReceivers, skipFor } from '../harness/requirements.ts'

const INTEGRATIONS = fileURLToPath(new URL('../../docs/integrations/', import.meta.url))
const [SECRET, OTHER] = [formatWebhookSecret(randomBytes(32)), formatWebhookSecret(randomBytes(24))]
const MINUTE_MS = 60_000

const { skipped, title } = skipFor(missingForReceivers())

describe.skipIf(skipped)(title('docs/integrations/webhook-receiver.py'), () => {
  it('takes what is signed, prints each event once, and says what is missing or late', async () => {
    await using receiver = await start()
    const [first, third] = [eventOf(1), { ...eventOf(4), skipped: 2 }]
    for (const event of [first, third, first]) expect((await receiver.post(event)).status).toBe(204)
    const second = eventOf(2)
    expect((await receiver.post(second)).status).toBe(204)
    const { printed, noted } = await receiver.end()
    expect(printed).toEqual([first, third, second])
    expect(noted).toEqual([
      '2 events about https://app.example.com/client.json before 4 were given up: replay them',
      `${first.id} was received before`,
      '2 about https://app.example.com/client.json comes late: 4 was received before',
    ])
  })

  it('knows after a restart what it had', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cimd-receiver-'))
    try {
      const event = eventOf(1)
      for (const printed of [[event], []]) {
        await using receiver = await start({ directory })
        expect((await receiver.post(event)).status).toBe(204)
        expect((await receiver.end()).printed).toEqual(printed)
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('returns the challenge, to whoever signs it', async () => {
    await using receiver = await start()
    const asked = { type: 'subscription.verification', challenge: 'abc-_1', subscription_id: randomUUID() }
    const answer = await receiver.post(asked, { id: 'verify_1' })
    expect([answer.status, await answer.json()]).toEqual([200, { challenge: 'abc-_1' }])
    expect((await receiver.post(asked, { id: 'verify_1', secrets: [OTHER] })).status).toBe(401)
  })

  it('takes either of two signatures, and a signature by either of two secrets', async () => {
    await using receiver = await start()
    for (const secrets of [
      [SECRET, OTHER],
      [OTHER, SECRET],
    ]) {
      expect((await receiver.post(eventOf(1), { secrets })).status).toBe(204)
    }
    await using rotating = await start({ secrets: `${OTHER} ${SECRET}` })
    for (const secret of [SECRET, OTHER]) {
      expect((await rotating.post(eventOf(1), { secrets: [secret] })).status).toBe(204)
    }
  })

  it.each<[string, number, Given]>([
    ['a body that was changed', 401, { change: (sent) => ({ ...sent, body: `${sent.body} ` }) }],
    ['another secret', 401, { secrets: [OTHER] }],
    ['a time long past', 401, { minutes: -6 }],
    ['a time to come', 401, { minutes: 6 }],
    ['another id', 401, { change: withHeader('webhook-id', 'other') }],
    ['another version of signature', 401, { change: withHeader('webhook-signature', 'v1a,AAAA') }],
    ['no id', 400, { change: withHeader('webhook-id', undefined) }],
    ['no timestamp', 400, { change: withHeader('webhook-timestamp', undefined) }],
    ['a timestamp that is none', 400, { change: withHeader('webhook-timestamp', '1e9') }],
    ['no signature', 400, { change: withHeader('webhook-signature', undefined) }],
    ['what is signed and no event', 400, { body: '[]' }],
    ['what is signed and no JSON', 400, { body: 'event' }],
  ])('refuses %s', async (_, status, given) => {
    await using receiver = await start()
    const answer = await receiver.post(eventOf(1), given)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toEqual({ error: expect.any(String) })
    expect((await receiver.end()).printed).toEqual([])
  })

  it('speaks TLS itself where it is given a certificate', async () => {
    const authority = await createAuthority()
    const leaf = await authority.issue(['hooks.example.net'])
    await using receiver = await start({ leaf })
    const { body, headers } = sign(eventOf(1))
    const options = { method: 'POST', headers, ca: authority.ca, servername: 'hooks.example.net' }
    const sent = request(`https://127.0.0.1:${receiver.port}/`, options).end(body)
    const [response] = await once(sent, 'response')
    expect(response.statusCode).toBe(204)
  })

  it('does not start without a secret', async () => {
    await expect(start({ secrets: 'whsec_' })).rejects.toThrow('CIMD_WEBHOOK_SECRETS')
  })
})

describe.skipIf(skipped)(title('the shell commands of docs/integrations/webhooks.md'), () => {
  it.each<[string, string, Given]>([
    ['signed', 'signed', {}],
    ['signed', 'signed by two secrets', { secrets: [OTHER, SECRET] }],
    ['not signed with this secret', 'signed by another secret', { secrets: [OTHER] }],
    ['not signed with this secret', 'changed', { change: (sent) => ({ ...sent, body: `${sent.body}\n` }) }],
    ['too old, or from the future', 'old', { minutes: -6 }],
    ['too old, or from the future', 'from the future', { minutes: 6 }],
  ])('say %j of what is %s', async (said, _, given) => {
    const directory = mkdtempSync(join(tmpdir(), 'cimd-signature-'))
    try {
      const { headers, body } = sign(eventOf(1), given)
      const file = join(directory, 'body')
      writeFileSync(file, body)
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers
      const env = { PATH: process.env['PATH'], ...{ secret: SECRET, id, timestamp, signature, body: file } }
      const ran = await promisify(execFile)('sh', ['-euc', snippet()], { env }).catch((failed) => failed)
      expect([ran.stdout, ran.stderr, ran.code ?? 0]).toEqual([`${said}\n`, '', said === 'signed' ? 0 : 1])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

type Signed = { readonly headers: Record<string, string | undefined>; readonly body: string }
type Given = {
  readonly id?: string
  readonly secrets?: readonly string[]
  /** How far from now the time is that it names. */
  readonly minutes?: number
  /** Instead of the event. */
  readonly body?: string
  /** What becomes of it on its way. */
  readonly change?: (sent: Signed) => Signed
}

/** As the notifier signs it, by the library of Standard Webhooks. */
function sign(told: object & { readonly id?: string }, given: Given = {}): Signed {
  const { id = told.id ?? '', secrets = [SECRET], minutes = 0, change = (sent) => sent } = given
  const at = Date.now() + minutes * MINUTE_MS
  const body = given.body ?? JSON.stringify(told)
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(at), body))
  return change({
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at / 1000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
  })
}

function withHeader(name: string, value: string | undefined): (sent: Signed) => Signed {
  return ({ headers, body }) => ({ headers: { ...headers, [name]: value }, body })
}

function eventOf(clientseq: number) {
  return {
    ...{ specversion: '1.0', id: randomUUID(), source: '/test', type: 'client.discovered' },
    ...{ subject: 'https://app.example.com/client.json', time: '2026-11-20T12:00:00.000Z' },
    ...{ datacontenttype: 'application/json', data: { digest: 'ä'.repeat(8) }, clientseq },
  }
}

function snippet(): string {
  const page = readFileSync(join(INTEGRATIONS, 'webhooks.md'), 'utf8')
  const [, commands] = /^```sh\n([\s\S]*?)^```$/m.exec(page) ?? []
  if (commands === undefined) throw new Error('the page has no shell commands')
  return commands
}

/** The receiver as its page says to start it, on a port that is free. */
async function start(
  given: {
    readonly directory?: string
    readonly secrets?: string
    readonly leaf?: { readonly cert: string; readonly key: string }
  } = {},
) {
  const own = mkdtempSync(join(tmpdir(), 'cimd-receiver-'))
  const { secrets = SECRET, directory = own, leaf } = given
  for (const [name, pem] of Object.entries(leaf ?? {})) writeFileSync(join(own, `${name}.pem`), pem)
  const tls = leaf ? ['--cert', join(own, 'cert.pem'), '--key', join(own, 'key.pem')] : []
  const script = join(INTEGRATIONS, 'webhook-receiver.py')
  const child = spawn(
    'python3',
    [script, '--port', '0', '--database', join(directory, 'events.db'), ...tls],
    {
      env: { ...process.env, CIMD_WEBHOOK_SECRETS: secrets },
    },
  )
  const [closed, output] = [once(child, 'close'), text(child.stdout)]
  const lines: string[] = []
  const { promise: listening, resolve, reject } = Promise.withResolvers<number>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    const port = /^listening on port (\d+)$/.exec(line)?.[1]
    if (port === undefined) lines.push(line)
    else resolve(Number(port))
  })
  const end = async () => {
    child.kill()
    await closed
    rmSync(own, { recursive: true, force: true })
    const printed: unknown[] = (await output)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    return { printed, noted: lines }
  }
  void closed.then(() => reject(new Error(lines.join('\n'))))
  const port = await listening
  return {
    port,
    end,
    post: (told: object, how?: Given) => {
      const { headers, body } = sign(told, how)
      const sent = Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      )
      return fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: sent as [string, string][], body })
    },
    [Symbol.asyncDispose]: async () => {
      await end()
    },
  }
}
