/** What is shown once everything runs: the address, the key if it is new, and something to try. */
export function welcome(started: {
  readonly apiUrl: string
  readonly apiKey: string | undefined
  readonly tenant: string
}): string {
  const { apiUrl, apiKey, tenant } = started
  return [
    `CIMD Registrar is running at ${apiUrl}`,
    '',
    ...keyLines(apiKey, tenant),
    '',
    'Try it:',
    '',
    `  curl -s ${apiUrl}/v1/resolve -H "authorization: Bearer $CIMD_API_KEY" \\`,
    `    -H 'content-type: application/json' \\`,
    `    -d '{"client_id":"https://vscode.dev/oauth/client-metadata.json","subject":"alice"}'`,
    '',
    'Ctrl-C drains and stops; twice stops at once.',
  ].join('\n')
}

function keyLines(apiKey: string | undefined, tenant: string): string[] {
  if (apiKey === undefined) {
    return [`The tenant "${tenant}" has its API key already. Another: npx cimd key create ${tenant}`]
  }
  return [`The API key of the tenant "${tenant}", shown only now:`, '', `  export CIMD_API_KEY=${apiKey}`]
}
