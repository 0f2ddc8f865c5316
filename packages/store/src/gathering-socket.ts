import { Socket } from 'node:net'

/**
 * A socket that sends together what is written without waiting for anything in between. A statement that is sent ahead, and
 * each part of a prepared one, would be a system call of its own.
 */
export class GatheringSocket extends Socket {
  #isGathering = false

  override connect(...to: unknown[]): this {
    super.connect(...(to as Parameters<Socket['connect']>))
    // Only now: Node restores its own `write` when a socket connects.
    this.write = (...written: unknown[]) => {
      this.#gather()
      return super.write(...(written as Parameters<Socket['write']>))
    }
    return this
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.cork()
    process.nextTick(() => {
      this.#isGathering = false
      this.uncork()
    })
  }
}
