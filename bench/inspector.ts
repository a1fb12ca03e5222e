// The Chrome DevTools Protocol to the Worker.

import { WebSocket } from "ws";
import type { Target } from "./client.ts";
import { wait } from "./wait.ts";

const POKE_MS = 50;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Listed {
  id: string;
  webSocketDebuggerUrl: string;
}

/** Miniflare runs Workers of its own beside it. */
const OWN_WORKER = "core:user:";

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const failed = () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the inspector is gone"));
      this.#waiting.clear();
    };
    socket.on("close", failed);
    socket.on("error", failed);
    socket.on("message", (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown };
      if (id === undefined) return;
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
    });
  }

  static async open(port: number): Promise<Inspector> {
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as Listed[];
    const target = targets.find(({ id }) => id.startsWith(OWN_WORKER));
    if (target === undefined) throw new Error("the inspector does not know the Worker");
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Inspector(socket);
  }

  call(method: string, params: object = {}): Promise<unknown> {
    this.#id += 1;
    const id = this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
  }

  /** As `call`, of a Worker that may have nothing to do: such a one listens only when something comes. */
  async awake(target: Target, method: string): Promise<unknown> {
    const calling = { done: false };
    const called = this.call(method).finally(() => (calling.done = true));
    while (!calling.done) {
      await fetch(target.url.replace("ws:", "http:"));
      await wait(POKE_MS);
    }
    return called;
  }

  close(): void {
    this.#socket.close();
  }
}
