import type { FailureCode } from '../failure/failure.ts'
import type { Span } from '../failure/finding.ts'
import { hostRule, portRule } from '../identifier/host-rules.ts'
import { presentUrl } from '../identifier/presented-url.ts'
import { GIVEN_URL_RULES } from '../identifier/url-rules.ts'

/** A URL that passed `parseWebhookUrl`, as a URL library writes it: parsing it again changes nothing. */
export type WebhookUrl = string & { readonly __brand: 'WebhookUrl' }

/** Why nothing is delivered to a URL. The summary of the code speaks of a client_id, `detail` of no one URL. */
export type WebhookUrlProblem = {
  readonly code: FailureCode
  /** The place in the text as given. */
  readonly span?: Span
  readonly detail: string
}

export type WebhookUrlResult =
  | {
      readonly ok: true
      readonly value: WebhookUrl
      /** Host name in lower case, without port. */
      readonly host: string
      readonly port: number
    }
  | ({ readonly ok: false } & WebhookUrlProblem)

/** As long as a client identifier URL may be: common servers stop reading there. */
export const WEBHOOK_URL_LENGTH_MAX = 2048

/**
 * Decides whether events may be delivered to a URL that somebody gave, before any name is looked up: https, a public host
 * name and no IP address, neither userinfo nor fragment. It decides on the text as given, since a URL library drops what
 * is not seen. Every port may be named unless `allowedPorts` says which.
 */
export function parseWebhookUrl(raw: string, allowedPorts?: readonly number[]): WebhookUrlResult {
  if (raw.length > WEBHOOK_URL_LENGTH_MAX) return tooLong()
  const presented = presentUrl(raw)
  const [problem] = [
    ...GIVEN_URL_RULES.flatMap((rule) => rule(presented)),
    ...hostRule(presented),
    ...portRule(presented, allowedPorts),
    ...parsableRule(raw),
  ]
  return problem === undefined ? normalised(new URL(raw)) : refuse(problem)
}

/** What the rules let through every library reads today; which A-labels it reads is for each to say. */
function parsableRule(raw: string): readonly WebhookUrlProblem[] {
  return URL.canParse(raw) ? [] : [{ code: 'url_unparsable', detail: 'it cannot be parsed as a URL' }]
}

function normalised({ href, hostname, port }: URL): WebhookUrlResult {
  // Some characters are longer once they are escaped.
  if (href.length > WEBHOOK_URL_LENGTH_MAX) return tooLong()
  // The cast is the one place the brand is given: every rule above held.
  return { ok: true, value: href as WebhookUrl, host: hostname, port: Number(port || 443) }
}

function tooLong(): WebhookUrlResult {
  return refuse({ code: 'url_too_long', detail: `longer than ${WEBHOOK_URL_LENGTH_MAX} characters` })
}

/** Leaves out the number of a rule, which is one for client identifier URLs. */
function refuse({ code, span, detail }: WebhookUrlProblem): WebhookUrlResult {
  return { ok: false, code, ...(span !== undefined && { span }), detail }
}
