/** One place of a statement that names the tenant; without it the statement would be of every tenant. */
export type TenantPredicate = { readonly at: number; readonly text: string }

const COLUMN = String.raw`(?:"?\b[a-z_]+"?\.)?"?\btenant_id"?`
const OWN_TENANT = String.raw`"?(?:\b[a-z_]+"?\.)?"?\b(?:tenant_id|id)"? = cimd\.current_tenant\(\)`
const PREDICATE = new RegExp(
  String.raw`${OWN_TENANT}|${COLUMN} = \$\d+(?:::uuid)?|${COLUMN} = ${COLUMN}|${COLUMN} = t\.id\b|${COLUMN} = any\s?\(\$\d+(?:::uuid\[\])?\)`,
  'g',
)

/** The predicates of a statement by which its own code keeps tenants apart, in order. */
export function tenantPredicates(text: string): TenantPredicate[] {
  return [...text.matchAll(PREDICATE)].filter(isPredicate(text)).map((match) => ({
    at: match.index,
    text: match[0],
  }))
}

/** The statement without some of its predicates. A parameter keeps its type, or it could not be sent. */
export function withoutPredicates(text: string, predicates: readonly TenantPredicate[]): string {
  return predicates
    .toSorted((a, b) => b.at - a.at)
    .reduce((left, { at, text: dropped }) => {
      const parameter = /\$\d+/.exec(dropped)?.[0]
      const isList = dropped.includes('any')
      const truth = parameter === undefined ? 'true' : `(${parameter}::uuid${isList ? '[]' : ''} is not null)`
      return left.slice(0, at) + truth + left.slice(at + dropped.length)
    }, text)
}

// `set tenant_id = $1` writes one; what has a column list of its own is no predicate either.
function isPredicate(text: string): (match: RegExpMatchArray) => boolean {
  return ({ index = 0 }) => !/\bset\s+$/.test(text.slice(0, index))
}

/** The text as its author wrote it, near enough to compare: one space, no quotes around names, no comments. */
export function plainText(text: string): string {
  return text.replaceAll(/--.*$/gm, '').replaceAll('"', '').replaceAll(/\s+/g, ' ').trim()
}

/** Whether a statement reads or writes one of these tables of the schema. */
export function touches(text: string, tables: readonly string[]): boolean {
  return mentions(text, tables).length > 0
}

/**
 * The places where a statement names one of the tables, in order, each with whether the tenant is named for it: by a predicate
 * of its own, or by being what is written. As many are named as there are predicates.
 */
export function mentions(
  text: string,
  tables: readonly string[],
): { readonly table: string; readonly named: boolean }[] {
  const plain = plainText(text)
  const found = [...plain.matchAll(new RegExp(String.raw`\bcimd\.(${tables.join('|')})\b(?!\(| ')`, 'g'))]
  const written = [...plain.matchAll(/insert into cimd\.\w+(?: as \w+)? \(tenant_id,/g)].length
  const named = tenantPredicates(text).length + written
  return found.map(([, table = ''], index) => ({ table, named: index < named }))
}
