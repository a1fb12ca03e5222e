// The platform's WebSocket as far as the edge uses it: it keeps what is sent, and says what it is told to say.

import type { LinkSocket } from "../../../src/worker/mqtt-connection/edge-link.ts";

type Listener = (event: { data: unknown }) => void;

export class SocketStub implements LinkSocket {
  binaryType = "blob";
  bufferedAmount = 0;
  accepted = false;
  closedWith: number | null = null;
  /** From now on sending throws, as on a socket that is gone. */
  broken = false;
  readonly sent: (Uint8Array | string)[] = [];
  readonly #listeners = new Map<string, Listener[]>();

  /** As what wants a whole one takes it. */
  get asWebSocket(): WebSocket {
    return this as unknown as WebSocket;
  }

  accept(): void {
    this.accepted = true;
  }

  send(data: Uint8Array | string): void {
    if (this.broken) throw new TypeError("the socket is gone");
    this.sent.push(data);
  }

  close(code: number): void {
    if (code === 1005 || code === 1006) throw new RangeError("no code to be sent");
    this.closedWith = code;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  /** An event from the other side. */
  emit(type: "message" | "close" | "error", data?: string | Uint8Array): void {
    const event = { data: data instanceof Uint8Array ? data.slice().buffer : data };
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
