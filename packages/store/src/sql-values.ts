/** A value for a jsonb column, which takes a cast. */
export function json(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

/** A value for a bytea column: pg sends a Uint8Array as JSON unless it is a Buffer. */
export function bytes(body: Uint8Array | undefined): Buffer | null {
  return body === undefined ? null : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}
