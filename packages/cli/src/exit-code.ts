/** 0: fine. 1: the answer is no, or the operation failed. 2: wrong usage or configuration. */
export type ExitCode = 0 | 1 | 2

/** The command line cannot be carried out as it was given. */
export class UsageError extends Error {
  override name = 'UsageError'
}
