// Messages from publishers to all who subscribe, first in a closed loop, as fast as the service takes them, then in an
// open one, whatever becomes of them. Each message carries the moment at which it was due.

import { type LoadClient, type Qos, stampOf } from "../client.ts";
import { wait } from "../wait.ts";
import { PAYLOAD } from "../workloads/clients.ts";
import { percentiles } from "../workloads/meter.ts";

export interface FlowOptions {
  publishers: readonly { client: LoadClient; topic: string }[];
  /** Each gets one copy of a message, or all of them together get one. */
  subscribers: readonly LoadClient[];
  /** Of each message. */
  copies: number;
  qos: Qos;
  payload?: Buffer;
}

export interface Flowed {
  /** Messages that were due, were sent, and of which copies arrived, a second; copies that did not. */
  due: number;
  sent: number;
  arrived: number;
  lost: number;
  /** Share of what was due that was kept back, since TCP took no more. */
  heldBack: number;
  /** Milliseconds from when a message was due until a copy arrived; until it was acknowledged. */
  p50: number;
  p99: number;
  /** Of PUBACK, by reason code. */
  acknowledged: Record<string, number>;
  /** PUBACKs that never came. */
  unanswered: number;
  /** Reason codes with which clients were ended. */
  ended: string[];
}

const WARM_UP_MS = 1_000;
const DRAIN_MS = 20_000;
const SILENT_MS = 2_000;
/** A publisher that has this much in its socket does not send: that is how TCP slows a sender down. */
const HELD_BACK_BYTES = 256 * 1_024;
const LATENCIES_MAX = 200_000;

export class Flow {
  readonly #options: FlowOptions;
  readonly #sends: ((due: number) => void)[];
  #arrived = 0;
  #acknowledged: Record<string, number> = {};
  #answers = 0;
  #sent = 0;
  #skipped = 0;
  #latencies: number[] = [];
  #seen = 0;
  #onProgress: () => void = () => undefined;

  /** Takes over what its clients hear. */
  constructor(options: FlowOptions) {
    const { publishers, subscribers, qos, payload = PAYLOAD } = options;
    this.#options = options;
    this.#sends = publishers.map(({ client, topic }) => client.publisher(topic, qos, payload));
    for (const subscriber of subscribers) subscriber.onMessage = (bytes, end) => this.#onMessage(stampOf(bytes, end));
    for (const { client } of publishers) client.onAcknowledged = (code) => this.#onAcknowledged(code);
  }

  /** Always `window` messages under way: what is through is followed by the next. */
  async closed(window: number, seconds: number): Promise<Flowed> {
    this.#begin();
    const { copies, qos } = this.#options;
    let through = 0;
    let stopped = false;
    const next = () => {
      if (!stopped) this.#send(performance.now());
    };
    this.#onProgress = () => {
      const whole = Math.floor(this.#arrived / copies);
      const ended = qos === 0 ? whole : Math.min(whole, this.#answers);
      for (; through < ended; through++) next();
    };
    for (let n = 0; n < window; n++) next();
    await wait(WARM_UP_MS);
    this.#forgetLatencies();
    const [from, before] = [performance.now(), this.#arrived];
    await wait(seconds * 1_000);
    const arrived = (this.#arrived - before) / copies / ((performance.now() - from) / 1_000);
    stopped = true;
    await this.#drain();
    return this.#flowed(arrived, arrived, arrived, 0);
  }

  /** So many messages a second are due, each at its moment. */
  async open(perSecond: number, seconds: number): Promise<Flowed> {
    this.#begin();
    const from = performance.now();
    const until = from + seconds * 1_000;
    let [due, heldBack] = [0, 0];
    while (performance.now() < until) {
      const now = performance.now();
      for (let at = from + (due * 1_000) / perSecond; at <= now; at = from + (due * 1_000) / perSecond) {
        due += 1;
        if (!this.#send(at)) heldBack += 1;
      }
      await wait(1);
    }
    const arrivedInTime = this.#arrived;
    const rate = (messages: number) => messages / seconds;
    await this.#drain();
    return this.#flowed(rate(due), rate(due - heldBack), rate(arrivedInTime / this.#options.copies), heldBack / due);
  }

  #begin(): void {
    this.#onProgress = () => undefined;
    [this.#arrived, this.#answers, this.#sent, this.#acknowledged] = [0, 0, 0, {}];
    this.#forgetLatencies();
  }

  #forgetLatencies(): void {
    [this.#latencies, this.#seen] = [[], 0];
  }

  /** False: its publisher is held back, or was ended. */
  #send(due: number): boolean {
    const { publishers } = this.#options;
    const place = (this.#sent + this.#skipped) % publishers.length;
    const client = publishers[place]?.client;
    if (client === undefined || client.ended || client.bufferedBytes > HELD_BACK_BYTES) {
      this.#skipped += 1;
      return false;
    }
    this.#sends[place]?.(due);
    this.#sent += 1;
    return true;
  }

  #onMessage(due: number): void {
    this.#arrived += 1;
    this.#seen += 1;
    const latency = performance.now() - due;
    if (this.#latencies.length < LATENCIES_MAX) this.#latencies.push(latency);
    else {
      const place = Math.floor(Math.random() * this.#seen);
      if (place < LATENCIES_MAX) this.#latencies[place] = latency;
    }
    this.#onProgress();
  }

  #onAcknowledged(code: number): void {
    const name = nameOf(code);
    this.#acknowledged[name] = (this.#acknowledged[name] ?? 0) + 1;
    this.#answers += 1;
    this.#onProgress();
  }

  /** Until all is there, or nothing comes any more. */
  async #drain(): Promise<void> {
    const { copies, qos } = this.#options;
    const deadline = performance.now() + DRAIN_MS;
    let [heard, heardAt] = [0, performance.now()];
    for (;;) {
      const now = performance.now();
      const all = this.#arrived + this.#answers;
      if (all > heard) [heard, heardAt] = [all, now];
      if (this.#arrived >= this.#sent * copies && (qos === 0 || this.#answers >= this.#sent)) return;
      if (now - heardAt > SILENT_MS || now > deadline) return;
      await wait(20);
    }
  }

  #flowed(due: number, sent: number, arrived: number, heldBack: number): Flowed {
    const { copies, qos, publishers, subscribers } = this.#options;
    const codes = [...publishers.map(({ client }) => client), ...subscribers].map(({ endedWith }) => endedWith);
    return {
      due,
      sent,
      arrived,
      lost: Math.max(0, this.#sent * copies - this.#arrived),
      heldBack,
      ...percentiles(this.#latencies),
      acknowledged: this.#acknowledged,
      unanswered: qos === 0 ? 0 : this.#sent - this.#answers,
      ended: Array.from(new Set(codes.filter((code) => code !== null).map(nameOf))),
    };
  }
}

function nameOf(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}
