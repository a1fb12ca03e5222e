// The sender's end of a stream's socket (contracts/stream.ts): opened with the first call, closed when its object's watch
// finds it unused. Whatever is not answered when it breaks has failed.

import { readHeader } from "../contracts/envelope-reader.ts";
import type { DeliverReply } from "../contracts/rpc.ts";
import { readReply, STREAM_URL } from "../contracts/stream.ts";
import { log } from "./log.ts";
import { soon } from "./soon.ts";
import { StreamWatch, type WatchedStream } from "./stream-watch.ts";

/** Is told the answer to a batch; null: it failed. */
export type OnReply = (reply: DeliverReply | null) => void;

interface Call {
  readonly at: number;
  readonly onReply: OnReply;
}

export class StreamChannel implements WatchedStream {
  readonly #fetch: (request: Request) => Promise<Response>;
  readonly #timeoutMs: number;
  readonly #watch: StreamWatch;
  readonly #onBroken: () => void;
  #socket: WebSocket | null = null;
  /** Envelopes that wait for the socket to open; null: it is open, or nothing was asked. */
  #opening: Uint8Array[] | null = null;
  #calls = new Map<number, Call>();
  #usedAt = 0;

  /** `fetch` reaches the receiving object. A call without an answer for `timeoutMs` has failed, and all after it. `watch`:
   *  that of all streams of the sending object. `onBroken`: the socket broke, so the receiving object may have died; what
   *  was not answered has failed. */
  constructor(
    fetch: (request: Request) => Promise<Response>,
    timeoutMs: number,
    watch = new StreamWatch(),
    onBroken: () => void = () => undefined,
  ) {
    this.#onBroken = onBroken;
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
    this.#watch = watch;
  }

  /** Sends a batch; those sent arrive in their order. */
  deliver(envelope: Uint8Array, onReply: OnReply): void {
    this.#used();
    this.#calls.set(readHeader(envelope).sequence, { at: this.#usedAt, onReply });
    if (this.#socket !== null) this.#send(this.#socket, envelope);
    else if (this.#opening !== null) this.#opening.push(envelope);
    else this.#open(envelope);
  }

  /** All batches up to `sequence` are done: the receiver, in that incarnation, said so otherwise. Their senders know it
   *  when this returns. False: that was known of all of them. */
  answered(sequence: number, incarnation: number): boolean {
    let news = false;
    for (const [each, { onReply }] of this.#calls) {
      if (each > sequence) continue;
      news = true;
      this.#calls.delete(each);
      onReply({ status: "done", incarnation });
    }
    if (news) this.#used();
    return news;
  }

  look(now: number, unusedMs: number): boolean {
    const [oldest] = this.#calls.values();
    if (oldest !== undefined && now - oldest.at >= this.#timeoutMs) {
      this.#close();
      this.#fail();
    }
    if (this.#calls.size > 0 || now - this.#usedAt < unusedMs) return true;
    this.#close();
    return false;
  }

  #used(): void {
    this.#usedAt = Date.now();
    this.#watch.used(this, this.#usedAt);
  }

  #open(first: Uint8Array): void {
    const waiting = [first];
    this.#opening = waiting;
    const failed = () => {
      if (this.#opening === waiting) this.#fail();
    };
    const request = new Request(STREAM_URL, { headers: { Upgrade: "websocket" } });
    this.#fetch(request).then(({ webSocket }) => {
      if (webSocket === null) failed();
      else if (this.#opening === waiting) this.#opened(webSocket, waiting);
      else discard(webSocket); // It opened after it was given up.
    }, failed);
  }

  #opened(socket: WebSocket, waiting: readonly Uint8Array[]): void {
    this.#opening = null;
    this.#socket = socket;
    this.#used();
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#onReply(new Uint8Array(data as ArrayBuffer)));
    socket.addEventListener("close", () => this.#broken(socket));
    socket.addEventListener("error", () => this.#broken(socket));
    socket.accept();
    for (const envelope of waiting) this.#send(socket, envelope);
  }

  #send(socket: WebSocket, envelope: Uint8Array): void {
    try {
      socket.send(envelope);
    } catch {
      this.#broken(socket);
    }
  }

  #onReply(bytes: Uint8Array): void {
    const { sequence, reply } = readReply(bytes);
    const call = this.#calls.get(sequence);
    this.#calls.delete(sequence);
    this.#used();
    call?.onReply(reply);
  }

  #broken(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#close();
    this.#fail();
    soon(this.#onBroken); // As the calls are told.
  }

  #fail(): void {
    this.#opening = null;
    const calls = this.#calls;
    this.#calls = new Map();
    // Not from within `deliver`, that may have found it broken.
    soon(() => {
      for (const { onReply } of calls.values()) {
        try {
          onReply(null);
        } catch (error) {
          log.error("a batch failed, and so did what follows from it", { error }); // The others must still know.
        }
      }
    });
  }

  #close(): void {
    const socket = this.#socket;
    this.#socket = null;
    try {
      socket?.close(1000, "");
    } catch {
      // It is gone already.
    }
  }
}

/** Closes a socket that nobody listens to. */
function discard(socket: WebSocket): void {
  socket.accept();
  socket.close(1000, "");
}
