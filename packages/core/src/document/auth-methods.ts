/** Names that registries and products have for methods with a shared secret, beyond those that say secret (DOC-06). */
const SHARED_SECRET_NAMES: ReadonlySet<string> = new Set(['basic', 'post', 'psk', 'hmac', 'shared_key'])

/** Whether a client authentication method rests on a secret that both sides hold (DOC-06, KEY-01). An unknown name does not (KEY-13). */
export function isSymmetricMethod(method: string): boolean {
  const name = method.toLowerCase()
  return name.includes('secret') || SHARED_SECRET_NAMES.has(name)
}
