const DAY = 86_400

/** How long the secret before a new one signs as well, unless something else is asked for, and at most. */
export const SECRET_OVERLAP_SECONDS = { default: DAY, max: 7 * DAY } as const

/** A secret as Standard Webhooks writes it for people and libraries. */
export function formatWebhookSecret(secret: Uint8Array): string {
  return `whsec_${btoa(String.fromCharCode(...secret))}`
}
