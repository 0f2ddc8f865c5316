import {
  DEFAULT_REPUTATION_THRESHOLDS,
  DISPLAY_WARNINGS,
  REPUTATION_REASONS,
  SHOWN_FROM,
  TIERS,
  type Tier,
  TOKEN_LIMITS,
} from '@cimd/core'

/** `docs/consent-display.md`: how a server shows a client before consent, with every text and number of it. */
export function renderConsentDisplay(): string {
  return `${[INTRODUCTION, SHOWING, renderTiers(), renderWarnings(), REPORTING, PRIVACY].join('\n\n')}\n`
}

const INTRODUCTION = `# What to show before consent

Made from the tables in \`packages/core\` by \`npm run docs\`.

A client names itself, so its name and its picture prove nothing: only the host of its client_id does. \`POST /v1/resolve\` for
\`authorize\` or \`par\`, and a ticket, therefore answer with \`display\`: what may be shown, in which words, and what to warn of
(UI-01 to UI-09, POL-01). Give the \`redirect_uri\` of the request, and the user's languages as \`ui_locales\` (or pass on
\`Accept-Language\`).`

const SHOWING = `## How to show it

1. \`warnings\`, the gravest first: those of severity \`danger\` before anything else, so that nobody can pass over them. \`text\` is
   English; \`code\` is the key of your translation and \`params\` has what goes into its places.
2. \`host\`, always and above the name. \`host_short\` is the same for a narrow page, cut from the left, since the right end is what was
   registered; \`host_unicode\` may stand beside it, never in its place.
3. \`name.text\`, only where \`show.name\`. It is the client's own word: show it as such, and smaller than the host.
4. \`redirect_host\`: where this request leads (UI-03). Null means that no redirect URI was named or none that the document lists: go no
   further. For a scheme that an app has claimed \`host\` is null, and \`scheme\` is what to show.
5. \`logo_url\`, only where \`show.logo\`: a path at this api. Never load the client's own address into a page (UI-04).
6. \`links\`, only where \`allowed\`, with \`rel="noopener noreferrer nofollow"\`; beside one that is not \`same_domain\` show its \`host\`.

**Escape everything.** The strings are plain text of bounded length, without control, format or invisible characters. They may still
contain \`<\` and \`&\`, and be written from right to left: escape them for HTML, and put the name into \`<bdi>\`.

Where \`resolve\` does not answer \`ready\` there is nothing to show and nothing to consent to.`

function renderTiers(): string {
  return [
    '## Tiers and token limits',
    `\`reputation.tier\` says how far a client is trusted, \`reasons\` why. A domain with at least ${DEFAULT_REPUTATION_THRESHOLDS.domain.subjects} users, and ${DEFAULT_REPUTATION_THRESHOLDS.domain.subjectsPerClient} for each of its clients, lifts a client of its own one tier from the first; a seeming change of hands ends what was earned for ${DEFAULT_REPUTATION_THRESHOLDS.ownershipDays} days; ${DEFAULT_REPUTATION_THRESHOLDS.unusedDays} days without use take one tier away.`,
    `\`reputation.token_limits\` suggests how tightly to limit the tokens of a young client (CHG-11); it is in answers for \`token\` as well. Null: as for everybody.`,
    [
      '| tier | users | days | shown besides the host | tokens per user and hour | tokens per hour | new users per hour |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...TIERS.map(renderTier),
    ].join('\n'),
    [
      '| reason | means |',
      '| --- | --- |',
      ...Object.entries(REPUTATION_REASONS).map(([code, text]) => `| \`${code}\` | ${text} |`),
    ].join('\n'),
  ].join('\n\n')
}

function renderTier(tier: Tier): string {
  const earned = DEFAULT_REPUTATION_THRESHOLDS.earned.find((step) => step.tier === tier)
  const limits = TOKEN_LIMITS[tier]
  const cells = [
    `\`${tier}\``,
    tier === 'reviewed' ? 'you have looked' : (earned?.subjects ?? 0),
    earned?.days ?? '',
    shownAt(tier),
    limits?.tokens_per_subject_per_hour ?? '',
    limits?.tokens_per_client_per_hour ?? '',
    limits?.new_subjects_per_hour ?? '',
  ]
  return `| ${cells.join(' | ')} |`
}

function shownAt(tier: Tier): string {
  return Object.entries(SHOWN_FROM)
    .filter(([, from]) => TIERS.indexOf(from) <= TIERS.indexOf(tier))
    .map(([what]) => what)
    .join(', ')
}

function renderWarnings(): string {
  const rows = Object.entries(DISPLAY_WARNINGS).map(
    ([code, { severity, text }]) => `| \`${code}\` | ${severity} | ${text} |`,
  )
  return ['## Warnings', ['| code | severity | text |', '| --- | --- | --- |', ...rows].join('\n')].join(
    '\n\n',
  )
}

const REPORTING = `## What to report

A client earns its tier by users who said yes. Report each consent and each token:

\`\`\`sh
curl -X POST "$CIMD_API_URL/v1/client/reports" -H "authorization: Bearer $CIMD_API_KEY" -H 'content-type: application/json' -d '{
  "client_id": "https://app.example.com/client.json", "digest": "…", "kind": "consent", "subject": "user 4711",
  "redirect_uri": "https://app.example.com/cb", "scope": "read"
}'
\`\`\`

- \`subject\` is whose it is, in any form that stays the same for them, hashed already if you like. Report it again as often as you
  want: one subject counts once per client and once per registrable domain.
- What is reported of a \`code\` keeps its version and counts nobody; nor does the \`subject\` of a resolve, who has only asked.
- \`last_seen\` is the last report of a consent or token, so report tokens too: else a client that is used every day seems unused after
  a year.
- \`POST /v1/client/reviewed\` (scope \`policy\`) says that you have looked at a client, or at all of a domain: \`{"client_id": …}\` or
  \`{"domain": …}\`, with \`"reviewed": false\` to take it back. Domains where anybody publishes cannot be marked. An approved version counts as
  looked at, too.
- \`GET /v1/client\` shows the counts, the tier and why.`

const PRIVACY = `## What is kept of a subject

| table | what | how long |
| --- | --- | --- |
| \`subject_keys\` | a random key of the tenant | as the tenant |
| \`subjects\` | HMAC-SHA-256 of the subject under that key, and a random pseudonym: the one place that leads from one to the other | 400 days after the last report, or until it is erased |
| \`client_subjects\`, \`domain_subjects\` | which clients and domains a pseudonym has used, and since when | as its row in \`subjects\` |
| \`client_reputation\`, \`domain_reputation\` | counts, and the instants of the first and last report | as the client; as the tenant |

The subject itself is stored nowhere, and what the audit says of somebody it says of the pseudonym. \`POST /v1/subjects/erase\` (scope \`admin\`) or
\`cimd subject erase TENANT\`, which reads the subject from standard input, deletes the mapping and all that hangs on it. Counts stay. Whoever is
reported after that is somebody new, and counts anew.

Counts are of one tenant. Where the operator sets \`CIMD_FLEET_REPUTATION=true\`, numbers over all tenants are kept as well and count for each of
them; a person at two tenants is two. No tenant is named, but each can then tell that others use a client, and about how many of their
users. What was counted stays in the table, unread, when it is turned off.`
