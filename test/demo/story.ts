import { setTimeout as sleep } from 'node:timers/promises'
import {
  CLAUDE_CODE,
  DOCUMENTS,
  type KnownDocument,
  readDocument,
  VSCODE,
  ZED,
} from '../fixtures/documents.ts'
import { formatClock, formatMs, sayDone, sayMore, sayRows, sayStep } from './print.ts'
import type { Change, Event, Reply, ResolveRequest } from './registrar.ts'
import { present, verify } from './verify.ts'
import type { World } from './world.ts'

type Step = { readonly title: string; readonly run: (world: World) => Promise<void> }

const STEPS: readonly Step[] = [
  { title: 'First contact: pending with a ticket, then ready', run: meetFiveClients },
  { title: 'Asked again: answered at once from the record', run: askAgain },
  { title: 'Redirects are matched by the rules for native apps', run: matchRedirects },
  { title: 'A publisher changes its document', run: noticeChange },
  { title: 'A publisher takes its document down', run: noticeWithdrawal },
  { title: 'Refused, and the reason', run: refuse },
]

const SUBJECT = 'alice'
const FETCHED_MS_MAX = 20_000

/** Plays every step in order and verifies it. Returns how many there were. */
export async function tellStory(world: World): Promise<number> {
  for (const document of DOCUMENTS) world.publishers.publish(document.clientId, readDocument(document))
  for (const [index, { title, run }] of STEPS.entries()) {
    sayStep(index + 1, title)
    await run(world)
  }
  return STEPS.length
}

async function meetFiveClients(world: World): Promise<void> {
  const rows: string[][] = []
  for (const document of DOCUMENTS) rows.push(await meetClient(world, document))
  sayRows(rows)
}

async function meetClient(
  { registrar, publishers }: World,
  { name, clientId }: KnownDocument,
): Promise<string[]> {
  const startedMs = performance.now()
  // Held back until the ticket is there: on a fast machine the document would be as well.
  const release = publishers.hold()
  const request = { client_id: clientId, subject: SUBJECT, wait_ms: 0 }
  const asked = await registrar.resolve(request).finally(release)
  verify(`first resolve of ${name}`, [asked.status, asked.body.status], [202, 'pending'])
  const ticket = present(`the ticket for ${name}`, asked.body.ticket)
  const answer = await registrar.awaitTicket(ticket)
  verifyReady(`the ticket for ${name}`, answer, 'fresh')
  verify('client_name', answer.body.document?.client_name, name)
  const redirects = present('redirect_uris', answer.body.document?.redirect_uris).length
  return [
    name,
    `${redirects} redirect${redirects === 1 ? '' : 's'}`,
    new URL(clientId).hostname,
    formatMs(performance.now() - startedMs),
  ]
}

async function askAgain({ registrar, publishers }: World): Promise<void> {
  const rows: string[][] = []
  for (const { name, clientId } of DOCUMENTS) {
    const answer = await registrar.resolve({ client_id: clientId, subject: SUBJECT, wait_ms: 0 })
    verifyReady(`second resolve of ${name}`, answer, 'fresh')
    verify(`fetches of ${name}`, publishers.fetches(clientId), 1)
    rows.push([name, formatMs(answer.ms), 'still 1 fetch'])
  }
  sayRows(rows)
}

async function matchRedirects(world: World): Promise<void> {
  const ephemeral = 'http://127.0.0.1:51234/callback'
  const foreign = 'https://evil.example.com/callback'
  await verifyRedirect(world, CLAUDE_CODE, ephemeral, { matched: true, rule: 'loopback_port' })
  await verifyRedirect(world, CLAUDE_CODE, foreign, {
    matched: false,
    rule: 'RED-01',
    reason: 'scheme_differs',
  })
  const row = (uri: string, verdict: string) => [CLAUDE_CODE.name, uri, verdict]
  sayRows([row(ephemeral, 'matched: loopback_port'), row(foreign, 'not matched: scheme_differs')])
}

async function noticeChange(world: World): Promise<void> {
  const { publishers, moveClockTo } = world
  const { clientId } = VSCODE
  const before = 'https://vscode.dev/redirect'
  const after = 'https://vscode.dev/oauth/redirect'

  publishers.publish(clientId, readDocument(VSCODE).replace(`"${before}"`, `"${after}"`))

  await moveClockTo(58)
  const event = await nextEvent(world, 'client.metadata_changed', VSCODE)
  verify('classes of the change', event.data.classes, ['narrowing', 'widening'])
  verify('fetches of the document', publishers.fetches(clientId), 2)
  sayDone(`${formatClock(58)}  the scheduler refreshed what is in use, by itself`)
  sayDone(`event  ${event.type}  ${event.data.classes?.join(', ')}`)
  for (const change of event.data.changes ?? []) sayMore(describeChange(change))

  await verifyRedirect(world, VSCODE, before, { matched: false, rule: 'RED-01', reason: 'path_differs' })
  await verifyRedirect(world, VSCODE, after, { matched: true, rule: 'exact' })
  sayDone('the redirect that went no longer matches')
}

async function noticeWithdrawal(world: World): Promise<void> {
  const { registrar, publishers, moveClockTo } = world
  const { name, clientId } = ZED
  // Refreshed with the one that changed: what a slow machine has not asked for yet would find the 404 too early.
  await untilFetched(publishers, clientId, 2)
  publishers.takeDown(clientId)

  // Past freshness and stale-while-revalidate, so that the sign-in itself finds the 404.
  await moveClockTo(130)
  const stale = await registrar.resolve(signIn(ZED))
  verifyReady('resolve within the grace', stale, 'stale')
  verify('why it is stale', stale.body.freshness?.why, 'status_404')
  verify('the grace in minutes', graceMinutes(stale), 15)
  sayDone(`${formatClock(130)}  ${name} answers 404: still answered, as stale for 15 min (status_404)`)

  await moveClockTo(146)
  const event = await nextEvent(world, 'client.withdrawn', ZED)
  verify('code of the event', event.data.code, 'status_404')
  sayDone(`${formatClock(146)}  the scheduler asked again by itself: still gone`)
  sayDone(`event  ${event.type}  ${event.data.code}`)

  const gone = await registrar.resolve(signIn(ZED))
  verify('resolve after the grace', [gone.status, gone.body.code], [422, 'status_404'])
  sayDone(`resolve  ${gone.status} ${gone.body.code}`)
  sayMore(present('the advice', gone.body.advice))
}

const REFUSED: readonly {
  readonly what: string
  readonly request: ResolveRequest
  readonly status: number
  readonly code: string
  /** Connections that may be opened for it. */
  readonly dials: number
}[] = [
  {
    what: 'an address instead of a name',
    request: { client_id: 'https://169.254.169.254/latest/meta-data', subject: SUBJECT },
    status: 400,
    code: 'host_ip_literal',
    dials: 0,
  },
  {
    what: 'a name that resolves to 10.0.0.5',
    request: { client_id: 'https://intranet.example.com/client.json', subject: SUBJECT },
    status: 422,
    code: 'address_blocked',
    dials: 0,
  },
  {
    what: 'a document that redirects',
    request: { client_id: 'https://moved.example.com/client.json', subject: SUBJECT },
    status: 502,
    code: 'redirect',
    dials: 1,
  },
  {
    what: 'unknown and nobody signed in',
    request: { client_id: 'https://unknown.example.com/client.json' },
    status: 403,
    code: 'subject_required',
    dials: 0,
  },
]

async function refuse({ registrar, publishers }: World): Promise<void> {
  publishers.resolveTo('https://intranet.example.com/client.json', '10.0.0.5')
  publishers.redirect('https://moved.example.com/client.json', 'https://elsewhere.example.com/client.json')
  for (const { what, request, status, code, dials } of REFUSED) {
    const countOthers = () => publishers.fetches() - publishers.fetches(request.client_id)
    const before = publishers.connections() - countOthers()
    const { body, ...answer } = await registrar.resolve(request)
    verify(`resolve: ${what}`, [answer.status, body.code], [status, code])
    // On a slow machine another document may be due meanwhile.
    verify(`connections opened: ${what}`, publishers.connections() - countOthers() - before, dials)
    sayDone(`${status} ${code.padEnd(16)}  ${what}, ${dials === 0 ? 'nothing dialled' : 'not followed'}`)
    sayMore(request.client_id)
    sayMore(present(`advice or title: ${what}`, body.advice ?? body.title))
  }
}

function signIn({ clientId }: KnownDocument): ResolveRequest {
  return { client_id: clientId, subject: SUBJECT }
}

function verifyReady(what: string, { status, body }: Reply, freshness: 'fresh' | 'stale'): void {
  verify(what, [status, body.code ?? body.status, body.freshness?.state], [200, 'ready', freshness])
}

// As a token request: it reads the record and is no use that would keep the client fresh.
async function verifyRedirect(
  { registrar }: World,
  { name, clientId }: KnownDocument,
  uri: string,
  expected: { readonly matched: boolean; readonly rule?: string; readonly reason?: string },
): Promise<void> {
  const { body } = await registrar.resolve({ client_id: clientId, purpose: 'token', redirect_uri: uri })
  const { matched, rule, reason } = present(`redirect_match of ${name}`, body.redirect_match)
  const came = { matched, ...(rule && { rule }), ...(reason && { reason }) }
  verify(`redirect_match of ${name} for ${uri}`, came, expected)
}

async function untilFetched(
  { fetches }: World['publishers'],
  clientId: string,
  times: number,
): Promise<void> {
  const endsAt = performance.now() + FETCHED_MS_MAX
  while (fetches(clientId) < times && performance.now() < endsAt) await sleep(20)
  verify('fetches of the document', fetches(clientId), times)
}

async function nextEvent({ registrar }: World, type: string, { clientId }: KnownDocument): Promise<Event> {
  const event = present(`the event ${type} in the feed`, await registrar.nextEvent(type))
  verify(`subject of the event ${type}`, event.subject, clientId)
  return event
}

function describeChange({ member, class: changeClass, before, after }: Change): string {
  const items = (sign: string, value: unknown) =>
    (Array.isArray(value) ? value : value === undefined ? [] : [value]).map((item) => `${sign} ${item}`)
  return [changeClass.padEnd(9), member, ...items('-', before), ...items('+', after)].join('  ')
}

function graceMinutes({ body }: Reply): number {
  const { since = '', until = '' } = body.freshness ?? {}
  return Math.round((Date.parse(until) - Date.parse(since)) / 60_000)
}
