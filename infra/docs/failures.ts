import { REQUEST_PROBLEMS } from '@cimd/api'
import {
  CAPABILITY_PROBLEMS,
  DELIVERY_CODES,
  FAILURES,
  type FailureClass,
  type FailureCode,
  POLICY_FINDINGS,
  PROFILE_FINDINGS,
  REDIRECT_MISMATCHES,
  WARNINGS,
} from '@cimd/core'

type ClassText = { readonly title: string; readonly text: string }

/** Who is taken to have spoken, and what follows for a client that had a valid document before. */
const CLASSES: Readonly<Record<FailureClass, ClassText>> = {
  refused: {
    title: 'refused: we did not dial',
    text: 'Nothing was fetched. A client whose host turns out to have a special-use address is unusable at once.',
  },
  deferred: {
    title: 'deferred: our budgets ask to wait',
    text: 'Nothing was fetched and nothing changes for the client. Where a budget asks to wait, the demand stands and is served later; where there is no room for another client (`*_capacity`), or too many wait already (`overloaded`), there is none: ask again.',
  },
  unreachable: {
    title: 'unreachable: nobody spoke whom we would believe',
    text: 'The last valid document stays usable for up to 24 hours from the first such failure, less if its origin said so.',
  },
  ambiguous: {
    title: 'ambiguous: the publisher spoke, or a gate before it',
    text: 'The last valid document stays usable for an hour from the first such failure.',
  },
  withdrawn: {
    title: 'withdrawn: the publisher says that it is gone',
    text: 'From the first time on, only a valid answer within 15 minutes keeps the client.',
  },
  rejected: {
    title: 'rejected: what the publisher serves is no valid document',
    text: 'As for withdrawn: a valid answer within 15 minutes keeps the client. No invalid document is ever used.',
  },
}

/** `docs/failures.md`: every code a person may meet, by who spoke. */
export function renderFailures(): string {
  const classes = Object.keys(CLASSES) as FailureClass[]
  return `${[
    '# Failures and warnings',
    'Made from the tables in `packages/core` by `npm run docs`.',
    'Codes are public and stable: problems of the api, the history of attempts, the log and `cimd check` use them. Whether asking\nagain can help is in the column *again*; the OAuth error is what an authorization server may answer its own client with.',
    ...classes.flatMap(renderClass),
    ...renderPlain(
      'Warnings',
      'The identifier or document is accepted. Its publisher may want to mend it.',
      Object.entries(WARNINGS),
    ),
    ...renderPlain(
      'Profiles',
      'The document is valid, and the profile that a tenant chose (or `cimd check --profile`) does not admit it.',
      Object.entries(PROFILE_FINDINGS),
    ),
    ...renderPlain(
      'Policies',
      'The client_id or document is valid, and the trust policy of a tenant refuses it, or holds it until it is approved ([trust-policy.md](trust-policy.md)). The api answers `policy_denied` or `policy_held`, with each of these that applies in `reasons`.',
      Object.entries(POLICY_FINDINGS),
    ),
    ...renderPlain(
      'Capabilities',
      'The document is valid, and one authorization server cannot serve the client (`cimd check --as-metadata`).',
      Object.entries(CAPABILITY_PROBLEMS),
    ),
    ...renderMismatches(),
    ...renderRequests(),
    ...renderDeliveries(),
  ].join('\n\n')}\n`
}

function renderClass(failureClass: FailureClass): readonly string[] {
  const { title, text } = CLASSES[failureClass]
  const codes = (Object.keys(FAILURES) as FailureCode[]).filter(
    (code) => FAILURES[code].class === failureClass,
  )
  const rows = codes.map((code) => {
    const { summary, advice, retryable, oauthError } = FAILURES[code]
    return [anchored(code), prose(summary), prose(advice), retryable ? 'yes' : 'no', `\`${oauthError}\``]
  })
  return [`## ${title}`, text, table(['code', 'what it means', 'what to do', 'again', 'OAuth error'], rows)]
}

function renderPlain(
  title: string,
  text: string,
  entries: readonly (readonly [string, { readonly summary: string; readonly advice: string }])[],
): readonly string[] {
  const rows = entries.map(([code, { summary, advice }]) => [anchored(code), prose(summary), prose(advice)])
  return [`## ${title}`, text, table(['code', 'what it means', 'what to do'], rows)]
}

function renderMismatches(): readonly string[] {
  const rows = Object.entries(REDIRECT_MISMATCHES).map(([reason, { rule, summary }]) => [
    anchored(reason),
    rule,
    prose(summary),
  ])
  const text =
    'Why `redirect_match` of a resolve is no match; `nearest` is the listed URI that agrees furthest.'
  return ['## Redirect mismatches', text, table(['reason', 'rule', 'what it means'], rows)]
}

function renderRequests(): readonly string[] {
  const rows = Object.entries(REQUEST_PROBLEMS).map(([code, { status, title, retryable }]) => [
    anchored(code),
    String(status),
    prose(title),
    retryable ? 'yes' : 'no',
  ])
  const text =
    'Problems of the api that are of no attempt: their `class` is `request`, and a `detail` says more of this case. `policy_denied` and\n`policy_held` have every [reason of the policy](#policies) in `reasons`; `policy_invalid` has every flaw in `errors`; `tenant_quota` and\n`subject_quota` have in `quota` which one it is. What is about another tenant is answered as what there is not.'
  return ['## Requests', text, table(['code', 'status', 'what it means', 'again'], rows)]
}

function renderDeliveries(): readonly string[] {
  const rows = Object.entries(DELIVERY_CODES).map(([code, meaning]) => [anchored(code), prose(meaning)])
  const text =
    'Why an event was not delivered to a webhook; what failed on the way there has the codes above.'
  return ['## Deliveries', text, table(['code', 'what it means'], rows)]
}

// An anchor of its own, so that a link to a code survives whatever else the page says.
function anchored(code: string): string {
  return `<a id="${code}"></a>\`${code}\``
}

// A word in angle brackets would be taken for a tag, and not be shown.
function prose(text: string): string {
  return text.replaceAll('<', '&lt;')
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
