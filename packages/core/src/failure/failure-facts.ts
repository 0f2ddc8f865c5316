/** Who is taken to have spoken when an attempt fails; it decides what happens to the last valid document. */
export type FailureClass = 'refused' | 'deferred' | 'unreachable' | 'ambiguous' | 'withdrawn' | 'rejected'

/** The error an authorization server may answer with: of RFC 6749 section 4.1.2.1 and 5.2 (FET-21). */
export type OAuthError = 'invalid_client' | 'invalid_request' | 'temporarily_unavailable'

/** What follows from a failure code. */
export type FailureFacts = {
  readonly class: FailureClass
  /** Whether asking again later, with nothing changed by the publisher, can succeed. */
  readonly retryable: boolean
  readonly oauthError: OAuthError
  /** One line for an operator or the problem title. */
  readonly summary: string
  /** What the client's developer can do about it. */
  readonly advice: string
}

type FactsOf = (summary: string, advice: string) => FailureFacts

const factsOf =
  (failureClass: FailureClass, retryable: boolean, oauthError: OAuthError): FactsOf =>
  (summary, advice) => ({ class: failureClass, retryable, oauthError, summary, advice })

/** We did not dial. */
export const refused = factsOf('refused', false, 'invalid_client')
/** Our budgets ask to wait. */
export const deferred = factsOf('deferred', true, 'temporarily_unavailable')
/** Nobody answered whom we would believe. */
export const unreachable = factsOf('unreachable', true, 'temporarily_unavailable')
/** The publisher spoke, or a gate before it. */
export const ambiguous = factsOf('ambiguous', true, 'invalid_client')
/** The publisher says that the document is gone. */
export const withdrawn = factsOf('withdrawn', false, 'invalid_client')
/** What the publisher serves is no valid document. */
export const rejected = factsOf('rejected', false, 'invalid_client')
