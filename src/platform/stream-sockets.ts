// The receiver's end of streams' sockets (contracts/stream.ts): they hibernate with the object that holds them.

import { readHeader } from "../contracts/envelope-reader.ts";
import type { DeliverReply } from "../contracts/rpc.ts";
import { STREAM_URL, writeReply } from "../contracts/stream.ts";
import { log } from "./log.ts";

/** Tag of a stream's socket among an object's sockets. */
const STREAM_TAG = "stream";
const FAILED = 4500;

/** Handles a batch; null: the answer travels otherwise. */
type Deliver = (envelope: Uint8Array) => Promise<DeliverReply | null>;

/** The streams to one object. */
export class StreamSockets {
  readonly #context: DurableObjectState;
  readonly #deliver: Deliver;
  /** Whether a socket that was met is a stream's. */
  readonly #met = new WeakMap<WebSocket, boolean>();

  constructor(context: DurableObjectState, deliver: Deliver) {
    this.#context = context;
    this.#deliver = deliver;
  }

  /** The answer to a request for a stream; null: it asks for something else. */
  accept(request: Request): Response | null {
    if (request.url !== STREAM_URL) return null;
    const { 0: sender, 1: receiver } = new WebSocketPair();
    this.#context.acceptWebSocket(receiver, [STREAM_TAG]);
    return new Response(null, { status: 101, webSocket: sender });
  }

  /** Whether a socket of the object is a stream's. */
  has(socket: WebSocket): boolean {
    const met = this.#met.get(socket);
    if (met !== undefined) return met;
    try {
      const is = this.#context.getTags(socket).includes(STREAM_TAG);
      this.#met.set(socket, is);
      return is;
    } catch {
      return false; // Of an object that was erased meanwhile.
    }
  }

  /** Handles a batch and answers it. One that fails ends the socket, and its sender begins again. */
  receive(socket: WebSocket, envelope: Uint8Array): void {
    this.#deliver(envelope).then(
      (reply) => {
        if (reply === null) return;
        try {
          socket.send(writeReply(readHeader(envelope).sequence, reply));
        } catch {
          // The sender is gone, and asks again.
        }
      },
      (error: unknown) => {
        log.error("a batch failed", { error });
        socket.close(FAILED, "a batch failed");
      },
    );
  }
}
