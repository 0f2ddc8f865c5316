/** Takes a slot, to be given back by disposing of it; `undefined` where none is free. */
export type TakeSlot = () => Disposable | undefined

/** `count` slots. Nobody waits for one: whoever gets none does something else, and asks again. */
export function createSlots(count: number): TakeSlot {
  let free = count
  return () => {
    if (free === 0) return undefined
    free -= 1
    let isTaken = true
    return {
      [Symbol.dispose]: () => {
        if (isTaken) free += 1
        isTaken = false
      },
    }
  }
}
