// Bytes that wait in this isolate, over all its connections: what memory bounds are held against.

import { limits } from "../../broker/limits.ts";

let pending = 0;

/** One connection's part of the isolate's load. */
export class LoadShare {
  #bytes = 0;

  /** Sets how many bytes wait for this connection. */
  set(bytes: number): void {
    pending += bytes - this.#bytes;
    this.#bytes = bytes;
  }
}

/** Whether no more connections should be taken. */
export function isolateIsFull(): boolean {
  return pending > limits.isolatePendingBytes;
}
