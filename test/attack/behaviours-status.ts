import { answer, head, JSON_TYPE, message, OK, okMessage } from './messages.ts'
import type { Exchange, Script } from './wire.ts'

/** The honest document under another status. */
const status = (line: string, lines: readonly string[] = []) =>
  answer(({ document }) => message(`HTTP/1.1 ${line}`, [JSON_TYPE, ...lines], document))

/** The honest document under other content types; none at all if none is given. */
const typed = (...types: readonly string[]) =>
  answer(({ document }) =>
    message(
      OK,
      types.map((type) => `content-type: ${type}`),
      document,
    ),
  )

/** Statuses that are no redirects, each with a body that would have been valid under 200. */
export const STATUSES = {
  s101: answer(({ document }) =>
    Buffer.concat([
      head('HTTP/1.1 101 Switching Protocols', ['connection: upgrade', 'upgrade: websocket']),
      document,
    ]),
  ),
  s201: status('201 Created'),
  s202: status('202 Accepted'),
  s203: status('203 Non-Authoritative Information'),
  s204: answer(() => head('HTTP/1.1 204 No Content')),
  s206: status('206 Partial Content', ['content-range: bytes 0-99/100']),
  s304: answer(() => head('HTTP/1.1 304 Not Modified', ['etag: "never-asked"'])),
  s401: status('401 Unauthorized', ['www-authenticate: Basic realm="a"']),
  s403: status('403 Forbidden'),
  s404: status('404 Not Found'),
  s407: status('407 Proxy Authentication Required', ['proxy-authenticate: Basic realm="a"']),
  s410: status('410 Gone'),
  s429: status('429 Too Many Requests', ['retry-after: 120']),
  s451: status('451 Unavailable For Legal Reasons'),
  s500: status('500 Internal Server Error'),
  s503: status('503 Service Unavailable', ['retry-after: 99999999999999999999']),
  s999: status('999 Request Denied'),
  s000: status('000 Nothing'),
  bot_challenge: answer(() =>
    message(
      'HTTP/1.1 403 Forbidden',
      ['content-type: text/html', 'cf-mitigated: challenge', 'server: cloudflare'],
      '<!doctype html><title>Just a moment...</title>',
    ),
  ),
  bot_challenge_200: answer(() =>
    message(OK, ['content-type: text/html'], '<!doctype html><title>Just a moment...</title>'),
  ),
} as const satisfies Readonly<Record<string, Script>>

/** Content types. */
export const TYPES = {
  ct_missing: typed(),
  ct_empty: typed(''),
  ct_twice: typed('application/json', 'text/html'),
  ct_list: typed('application/json, text/html'),
  ct_text_json: typed('text/json'),
  ct_text_plain: typed('text/plain'),
  ct_jsonp: typed('application/javascript'),
  ct_html: typed('text/html; charset=utf-8'),
  ct_octet_stream: typed('application/octet-stream'),
  ct_json_lookalike: typed('application/jsonx'),
} as const satisfies Readonly<Record<string, Script>>

const REASONS = {
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
}

/** Where a client that follows is found out: behind the path that was asked for. */
const FOLLOWED = '/followed'

const TARGETS = {
  absolute: ({ host, path }: Exchange) => [`location: https://${host}${path}${FOLLOWED}`],
  relative: ({ path }: Exchange) => [`location: ${path}${FOLLOWED}`],
  http: ({ host, path }: Exchange) => [`location: http://${host}${path}${FOLLOWED}`],
  file: () => ['location: file:///etc/passwd'],
  meta: () => ['location: http://169.254.169.254/latest/meta-data/iam/security-credentials/'],
  missing: () => [],
}

type RedirectName = `redirect_${keyof typeof REASONS}_${keyof typeof TARGETS}`

/** A redirect whose own body is valid; whoever follows it gets a valid document as well. */
function redirect(startLine: string, locate: (exchange: Exchange) => readonly string[]): Script {
  return answer((exchange) =>
    exchange.path.endsWith(FOLLOWED)
      ? okMessage(exchange)
      : message(startLine, [JSON_TYPE, ...locate(exchange)], exchange.document),
  )
}

const everyRedirect = Object.entries(REASONS).flatMap(([code, reason]) =>
  Object.entries(TARGETS).map(([target, locate]): [string, Script] => [
    `redirect_${code}_${target}`,
    redirect(`HTTP/1.1 ${code} ${reason}`, locate),
  ]),
)

/** Redirects of every status to every kind of target, such as `redirect_302_relative`. */
export const REDIRECTS = {
  redirect_301: redirect('HTTP/1.1 301 Moved Permanently', TARGETS.absolute),
  // The product of both tables, which `fromEntries` cannot tell.
  ...(Object.fromEntries(everyRedirect) as Record<RedirectName, Script>),
}
