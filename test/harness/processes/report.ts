/** Tells the parent, once, that the service runs; the channel must not keep the process alive afterwards. */
export function reportStarted(port: number | undefined): void {
  process.send?.({ started: true, port }, () => process.disconnect?.())
}
