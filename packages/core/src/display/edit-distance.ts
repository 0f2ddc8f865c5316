/** The last two rows of the matrix, and the one that is being filled. */
type Rows = { readonly before: Uint8Array; readonly last: Uint8Array; readonly next: Uint8Array }

/**
 * How many letters were added, left out, exchanged or swapped with their neighbour (the optimal string
 * alignment of Damerau's distance); stops and gives `most + 1` where it is more. Only cells that can matter
 * are computed, so that thousands of labels are compared within milliseconds.
 */
export function editDistance(a: string, b: string, most: number): number {
  const over = most + 1
  if (Math.abs(a.length - b.length) > most) return over
  let before = new Uint8Array(b.length + 1)
  let last = before.map((_, column) => Math.min(column, over))
  let next = new Uint8Array(b.length + 1)
  for (let row = 1; row <= a.length; row++) {
    if (fillRow(a, b, row, over, { before, last, next }) > most) return over
    const free = before
    before = last
    last = next
    next = free
  }
  return Math.min(at(last, b.length), over)
}

/** Fills the cells near the diagonal, and gives the least of them. */
function fillRow(a: string, b: string, row: number, over: number, { before, last, next }: Rows): number {
  next.fill(over)
  next[0] = Math.min(row, over)
  let least = at(next, 0)
  for (let column = Math.max(1, row - over); column <= Math.min(b.length, row + over); column++) {
    const same = a[row - 1] === b[column - 1]
    const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
    const distance = Math.min(
      at(next, column - 1) + 1,
      at(last, column) + 1,
      at(last, column - 1) + (same ? 0 : 1),
      swapped ? at(before, column - 2) + 1 : over,
    )
    next[column] = Math.min(distance, over)
    least = Math.min(least, distance)
  }
  return least
}

// Every place that is asked for is within the row.
function at(row: Uint8Array, column: number): number {
  return row[column] as number
}
