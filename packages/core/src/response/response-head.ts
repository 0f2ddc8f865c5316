/** The head of a response; field lines by lower-case name in the order received, one item for each line. */
export type ResponseHead = {
  readonly status: number
  readonly headers: ReadonlyMap<string, readonly string[]>
}

/** The value of a field that must occur once: repeated, it is as good as absent. */
export function singleValue(headers: ResponseHead['headers'], name: string): string | undefined {
  const values = headers.get(name)
  return values?.length === 1 ? values[0] : undefined
}
