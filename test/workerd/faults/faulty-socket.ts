// The sender's end of a stream whose frames are lost, repeated, delayed and overtaken in both directions, as the plan of
// its deployment says. It has the part of a WebSocket that a stream's channel uses.

import type { FaultPlan } from "./fault-plan.ts";

type Data = Uint8Array | ArrayBuffer;
type Listener = (event: { data: Data }) => void;

export class FaultySocket {
  readonly #socket: WebSocket;
  readonly #plan: FaultPlan;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #toReceiver: Way;
  readonly #toSender: Way;

  constructor(socket: WebSocket, plan: FaultPlan) {
    this.#socket = socket;
    this.#plan = plan;
    this.#toReceiver = new Way(plan, (data) => this.#forward(data));
    this.#toSender = new Way(plan, (data) => this.#tell("message", data));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#pass(this.#toSender, data as ArrayBuffer));
    socket.addEventListener("close", () => this.#closed("close"));
    socket.addEventListener("error", () => this.#closed("error"));
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  accept(): void {
    this.#socket.accept();
  }

  send(data: Uint8Array): void {
    this.#pass(this.#toReceiver, data);
  }

  close(code: number, reason: string): void {
    this.#toReceiver.end();
    this.#toSender.end();
    this.#socket.close(code, reason);
  }

  #pass(way: Way, data: Data): void {
    const fault = this.#plan.ofFrame();
    if (fault === "lost") this.#break();
    else way.pass(data, fault);
  }

  #break(): void {
    this.#toReceiver.end();
    this.#toSender.end();
    this.#socket.close(4_000, "a fault");
    // Not from within `send`, as the platform does.
    setTimeout(() => this.#tell("close"), 0);
  }

  /** What is still on its way does not arrive behind the end. */
  #closed(type: "close" | "error"): void {
    this.#toSender.end();
    this.#tell(type);
  }

  #forward(data: Data): void {
    try {
      this.#socket.send(data);
    } catch {
      // It broke while the frame was on its way.
    }
  }

  #tell(type: string, data: Data = new ArrayBuffer(0)): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data });
  }
}

/** One direction. */
class Way {
  readonly #plan: FaultPlan;
  readonly #arrive: (data: Data) => void;
  /** Behind a delayed frame; null: nothing is delayed. */
  #behind: Data[] | null = null;
  #ended = false;

  constructor(plan: FaultPlan, arrive: (data: Data) => void) {
    this.#plan = plan;
    this.#arrive = arrive;
  }

  /** Nothing arrives any more. */
  end(): void {
    this.#ended = true;
  }

  pass(data: Data, fault: "repeated" | "delayed" | "overtaken" | null): void {
    if (fault === "overtaken") {
      setTimeout(() => this.#deliver(data), this.#plan.delayMs());
      return;
    }
    if (fault === "delayed" && this.#behind === null) {
      this.#behind = [];
      setTimeout(() => this.#release(), this.#plan.delayMs());
    }
    const copies = fault === "repeated" ? [data, data] : [data];
    if (this.#behind === null) for (const each of copies) this.#deliver(each);
    else this.#behind.push(...copies);
  }

  #release(): void {
    const behind = this.#behind ?? [];
    this.#behind = null;
    for (const data of behind) this.#deliver(data);
  }

  #deliver(data: Data): void {
    if (!this.#ended) this.#arrive(data);
  }
}
