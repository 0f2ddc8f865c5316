import { z } from 'zod'
import { isSymmetricMethod } from '../document/auth-methods.ts'
import { DEFAULT_PROFILE, PROFILES, type ProfileId } from '../document/profiles.ts'
import { WARNINGS, type WarningCode } from '../failure/warnings.ts'
import { isHostName, isHostPattern } from './host-pattern.ts'
import { type ListName, pathPatternFlaw } from './path-pattern.ts'

/** Each rule is compared with every client_id that is presented. */
const RULES_MAX = 1_000
const LIST_LENGTH_MAX = 200
const TEXT_LENGTH_MAX = 2_048
const REDIRECT_URIS_MAX = 100
const STALE_SECONDS_MAX = 86_400
const EXPIRY_DAYS_MAX = 3_650

const port = z.int().min(1).max(65_535)
const allowOrRefuse = z.enum(['allow', 'refuse'])
const allowed = allowOrRefuse.default('allow')
const ignoreOrHold = z.enum(['ignore', 'hold'])

/** Judged with the identifier, before there is a document: `paths` is for them. */
const IDENTIFIER_WARNINGS: readonly string[] = ['url_root_path', 'url_query']

/** The warnings about a document that a policy may make more of. */
const DOCUMENT_WARNINGS = Object.keys(WARNINGS).filter((code) => !IDENTIFIER_WARNINGS.includes(code)) as [
  WarningCode,
  ...WarningCode[],
]

/** A trust policy as it is written: JSON in which everything is optional (POL-01 to POL-06). */
export const policySchema = z
  .strictObject({
    mode: z
      .enum(['open', 'allowlist', 'pre_registered', 'review'])
      .default('open')
      .describe(
        'Who may come: everybody; who is allowed; only who was registered before; or everybody, held until approved. In `review` a list `allow` that is not empty says who may ask for approval.',
      ),
    allow: z
      .array(ruleSchema('allow'))
      .max(RULES_MAX)
      .default([])
      .describe('For the modes `allowlist` and `review`.'),
    block: z
      .array(ruleSchema('block'))
      .max(RULES_MAX)
      .default([])
      .describe('Wins over `allow` and over a registration before, in every mode.'),
    ports: listOf(port).nullable().default(null).describe('Of client_ids; null: whichever are fetched from.'),
    paths: z
      .strictObject({
        query: allowed.describe('A client_id with a query (CID-08).'),
        root_path: allowed.describe('A client_id whose path is only a slash (CID-04).'),
      })
      .prefault({}),
    profile: z
      .enum(Object.keys(PROFILES) as [ProfileId, ...ProfileId[]])
      .default(DEFAULT_PROFILE)
      .describe('What more than the draft is asked of a document (DOC-13).'),
    text_plain: allowOrRefuse
      .default('refuse')
      .describe('A document served as text/plain, as hosts of code serve anybody’s file (FET-08).'),
    auth_methods: listOf(authMethod())
      .nullable()
      .default(null)
      .describe('Of which a client has to be able to use one; null: any.'),
    redirects: z
      .strictObject({
        cross_host: allowed.describe('https redirects to another host than that of the client_id (RED-06).'),
        loopback: allowed.describe('http redirects to the own machine (RED-02).'),
        private_use: allowed.describe('Redirects with a scheme of an app (RED-08).'),
        max_count: z.int().min(0).max(REDIRECT_URIS_MAX).nullable().default(null),
      })
      .prefault({}),
    cross_host_jwks_uri: allowed.describe('Keys on another host than that of the client_id (KEY-05).'),
    grant_types: listOf(text())
      .nullable()
      .default(null)
      .describe('Others are taken out, and a client is refused where none is left (DOC-11); null: any.'),
    scopes: z
      .array(text())
      .max(LIST_LENGTH_MAX)
      .refine(isDistinct, { error: 'names something twice', params: { advice: 'Name each once.' } })
      .nullable()
      .default(null)
      .describe('Others are taken out (DOC-11); null: any.'),
    changes: z
      .enum(['accept', 'hold_widening', 'require_reconsent'])
      .default('accept')
      .describe(
        'What a document gains counts at once; or is held until approved, from the first version on; or counts, and consent is to be asked for again (CHG-02). What was approved binds whatever this says.',
      ),
    stale_limits: z
      .strictObject({
        unreachable: seconds(),
        ambiguous: seconds(),
        withdrawn: seconds(),
        rejected: seconds(),
      })
      .prefault({})
      .describe(
        'Seconds of use after the first failure of each class, where less is wanted than is allowed (CAC-13).',
      ),
    approvals: z
      .strictObject({ expire_after_days: z.int().min(1).max(EXPIRY_DAYS_MAX).nullable().default(null) })
      .prefault({}),
    warnings: z
      .partialRecord(z.enum(DOCUMENT_WARNINGS), z.enum(['refuse', 'hold']))
      .default({})
      .describe('What is made of a warning about a document; absent: nothing.'),
    ownership_change: ignoreOrHold
      .default('ignore')
      .describe('A domain that may have changed hands (CHG-05).'),
  })
  .meta({ title: 'Trust policy' })

type ReadonlyDeep<Value> = Value extends readonly (infer Item)[]
  ? readonly ReadonlyDeep<Item>[]
  : Value extends object
    ? { readonly [Member in keyof Value]: ReadonlyDeep<Value[Member]> }
    : Value

/** What a tenant trusts, every default written out (POL-01 to POL-06). It is JSON, member by member as it is stored. */
export type TrustPolicy = ReadonlyDeep<z.infer<typeof policySchema>>

/** A trust policy as it may be written, with whatever is not said left out. */
export type TrustPolicyRequest = ReadonlyDeep<z.input<typeof policySchema>>

/** A rule of `allow` or `block`: a host pattern or a registrable domain, and perhaps a path and a port. */
export type PolicyRule = TrustPolicy['allow'][number]

/** The policy of a tenant that has none: whatever is valid, unless it is served as text/plain (POL-05). */
export const DEFAULT_TRUST_POLICY: TrustPolicy = policySchema.parse({})

function ruleSchema(list: ListName) {
  return z
    .strictObject({
      host: z
        .string()
        .refine(isHostPattern, {
          error: 'is not the name of a public host, or *. and one',
          params: { advice: 'Write it in lower case and A-labels, as app.example.com or *.example.com.' },
        })
        .exactOptional()
        .describe('`app.example.com`, or `*.example.com` for all below it and not itself.'),
      domain: z
        .string()
        .refine(isHostName, {
          error: 'is not the name of a public domain',
          params: { advice: 'Write it in lower case and A-labels, as example.com.' },
        })
        .exactOptional()
        .describe('A registrable domain such as `example.com`, with all below it.'),
      path: z
        .string()
        .max(TEXT_LENGTH_MAX)
        .superRefine(refusePath)
        .exactOptional()
        .describe(
          `As it is written in a client_id and never decoded; \`*\` is one whole segment, \`/**\` at the end everything below.${list === 'allow' ? ' With it a client_id may have no query.' : ''}`,
        ),
      port: port.exactOptional().describe(list === 'allow' ? 'Absent: 443.' : 'Absent: every port.'),
    })
    .meta({ oneOf: [{ required: ['host'] }, { required: ['domain'] }] })
}

function refusePath(path: string, context: z.RefinementCtx): void {
  const flaw = pathPatternFlaw(path)
  if (flaw === undefined) return
  const advice = 'Write it as /oauth/*/client.json or /apps/**.'
  context.addIssue({ code: 'custom', message: flaw, params: { advice } })
}

function authMethod() {
  return text().refine((method) => !isSymmetricMethod(method), {
    error: 'rests on a shared secret, which no client of this kind has',
    params: { advice: 'Name methods such as private_key_jwt or none.' },
  })
}

// What is split at blanks elsewhere would never be found.
function text() {
  return z
    .string()
    .max(TEXT_LENGTH_MAX)
    .regex(/^[!-~]+$/, 'is empty, or holds a blank or a character that is not ASCII')
}

function seconds() {
  return z.int().min(0).max(STALE_SECONDS_MAX).exactOptional()
}

function listOf<Item extends z.ZodType<string | number>>(item: Item) {
  return z
    .array(item)
    .min(1)
    .max(LIST_LENGTH_MAX)
    .refine(isDistinct, { error: 'names something twice', params: { advice: 'Name each once.' } })
}

function isDistinct(items: readonly (string | number)[]): boolean {
  return new Set(items).size === items.length
}
