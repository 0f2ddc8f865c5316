/**
 * Statements that give functions with `security definer` to the role that asks what concerns every tenant: as one of the
 * owner of the tables they would see nothing where that is no superuser (FORCE ROW LEVEL SECURITY). Each function is named
 * with the types of its parameters. What they read and write has to be granted to cimd_definer, by policies as well.
 */
export function ownedByDefiner(functions: readonly string[]): string {
  return `
    grant create on schema cimd to cimd_definer;
    ${functions.map((name) => `alter function cimd.${name} owner to cimd_definer;`).join('\n')}
    revoke create on schema cimd from cimd_definer;
  `
}
