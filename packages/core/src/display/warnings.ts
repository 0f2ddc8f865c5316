/** How much a warning matters; the gravest first. */
export const SEVERITIES = ['danger', 'caution', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/**
 * What a consent page warns of: the code is the key of a translation, the text has a place for each
 * parameter.
 */
export type DisplayWarningFacts = { readonly severity: Severity; readonly text: string }

/**
 * The warnings that a consent page may show. Codes are public and stable. The texts name hosts and numbers
 * alone, never what a document says of itself.
 */
export const DISPLAY_WARNINGS = {
  no_document: {
    severity: 'danger',
    text: 'Nothing could be learnt about this app. Continue only if you opened it yourself just now.',
  },
  look_alike_confusable: {
    severity: 'danger',
    text: '{host} is written with characters that look like {resembles}. It is not {resembles}.',
  },
  look_alike_embedded: {
    severity: 'danger',
    text: 'The address {host} contains the name of {resembles}. It does not belong to {resembles}.',
  },
  look_alike_other_suffix: {
    severity: 'caution',
    text: '{host} has the name of {resembles} with another ending. It may not belong to {resembles}.',
  },
  look_alike_edit_distance: {
    severity: 'caution',
    text: '{host} is spelt almost like {resembles}. It is not {resembles}.',
  },
  mixed_scripts: {
    severity: 'danger',
    text: 'The address {host} mixes alphabets, or cannot be read, so it may look like another one.',
  },
  ownership_changed: {
    severity: 'danger',
    text: '{host} seems to have changed hands lately. It may not be the app that you know.',
  },
  name_contains_host: {
    severity: 'danger',
    text: 'The name of this app contains the address {found}, which is not its own. The app is at {host}.',
  },
  name_resembles: {
    severity: 'danger',
    text: 'This app calls itself like one of {resembles}. It is at {host}, and may have nothing to do with it.',
  },
  never_seen: {
    severity: 'danger',
    text: 'Nobody here has used the app at {host} before.',
  },
  few_users: {
    severity: 'caution',
    text: 'Few people here have used the app at {host}.',
  },
  loopback_only: {
    severity: 'caution',
    text: 'Access is given to a program on this computer. Any program can claim to be this app: continue only if you have just started it yourself.',
  },
  redirect_host_differs: {
    severity: 'caution',
    text: 'You will be sent to {redirect_host}, which is not at {host}.',
  },
  recently_changed: {
    severity: 'caution',
    text: 'This app has changed its {members} within the last {days} days.',
  },
  cimd_service: {
    severity: 'caution',
    text: 'The app is described by {service}, a service that describes apps for anybody. Its publisher is not known.',
  },
  shared_host: {
    severity: 'caution',
    text: 'The app is described at {host}, where anybody can publish.',
  },
  shared_suffix: {
    severity: 'info',
    text: '{host} belongs to a customer of {suffix}, and not to {suffix} itself.',
  },
  held_changes: {
    severity: 'info',
    text: 'The app asks for more than was approved ({members}). What is new is not in effect.',
  },
  stale: {
    severity: 'info',
    text: 'What is known of the app could not be confirmed lately.',
  },
} as const satisfies Record<string, DisplayWarningFacts>

export type DisplayWarningCode = keyof typeof DISPLAY_WARNINGS
