import type { Origin, Reply } from './origin.ts'

/** A valid document for a client, with whatever else it should say. */
export function documentOf(clientId: string, members: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    client_id: clientId,
    client_name: 'A client',
    redirect_uris: ['https://app.example.net/callback'],
    ...members,
  }
}

/** The reply that serves a document as JSON. */
export function jsonReply(document: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(document),
  }
}

let published = 0

/** Publishes a valid document at an address of its own and returns its client_id. */
export function publish(
  origin: Origin,
  members: Record<string, unknown> = {},
  host = 'client.example.net',
): string {
  published += 1
  const path = `/oauth/${published}/client.json`
  const clientId = `https://${host}${path}`
  republish(origin, clientId, members)
  return clientId
}

/** Replaces what is published at a client_id. */
export function republish(
  origin: Origin,
  clientId: string,
  members: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): void {
  serveAt(origin, clientId, jsonReply(documentOf(clientId, members), headers))
}

/** Serves any reply at a client_id. */
export function serveAt(origin: Origin, clientId: string, reply: Parameters<Origin['serve']>[2]): void {
  const { hostname, pathname } = new URL(clientId)
  origin.serve(hostname, pathname, reply)
}

/** Takes down what is published at a client_id: 404 from now on. */
export function takeDown(origin: Origin, clientId: string): void {
  const { hostname, pathname } = new URL(clientId)
  origin.remove(hostname, pathname)
}
