/** Where to connect for the server of a URL: libpq names a unix socket after its directory and port. */
export function serverAddress(targetUrl: string): { path: string } | { host: string; port: number } {
  const url = new URL(targetUrl)
  const directory = url.searchParams.get('host')
  if (directory === null) return { host: url.hostname, port: Number(url.port) }
  return { path: `${directory}/.s.PGSQL.${url.port || 5432}` }
}

/** The URL of the same server through a port of this machine, where something stands in between. */
export function throughPort(targetUrl: string, port: number): string {
  const url = new URL(targetUrl)
  url.host = `127.0.0.1:${port}`
  url.searchParams.delete('host')
  return url.href
}
