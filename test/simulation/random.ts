/** A number in [0, 1) that depends on the seed and the parts alone, whatever the order of the questions. */
export function unit(seed: number, ...parts: readonly number[]): number {
  const mixed = parts.reduce(mix, mix(0x9e37_79b9, seed))
  return (avalanche(mixed) >>> 0) / 2 ** 32
}

function mix(hash: number, part: number): number {
  const low = part | 0
  const high = Math.floor(part / 2 ** 32) | 0
  return avalanche(Math.imul(avalanche(hash ^ low), 0x85eb_ca6b) ^ high)
}

function avalanche(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x7feb_352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846c_a68b)
  return hash ^ (hash >>> 16)
}
