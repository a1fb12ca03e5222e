// Two clients that have nothing to do with what is measured beside them: one sends the other a message of QoS 1 every so
// often. What becomes of these tells whether others starve.

import { LoadClient, stampOf, type Target } from "../client.ts";
import { wait } from "../wait.ts";
import { PAYLOAD } from "../workloads/clients.ts";
import { quiet } from "./crowd.ts";
import { percentiles } from "../workloads/meter.ts";

export interface Beside {
  /** Milliseconds from when a message was due to its arrival. */
  p50: number;
  p99: number;
  /** Messages that have not come. */
  missing: number;
}

const EVERY_MS = 50;
const PATIENCE_MS = 20_000;
const LOOK_MS = 20;
const TOPIC = "beside/it";

export class Bystander {
  readonly #clients: LoadClient[];
  readonly #sending: ReturnType<typeof setInterval>;
  #latencies: number[] = [];
  #sent = 0;

  private constructor(publisher: LoadClient, subscriber: LoadClient) {
    this.#clients = [publisher, subscriber];
    const publish = publisher.publisher(TOPIC, 1, PAYLOAD);
    subscriber.onMessage = (bytes, end) => this.#latencies.push(performance.now() - stampOf(bytes, end));
    let due = performance.now();
    this.#sending = setInterval(() => {
      for (; due <= performance.now(); due += EVERY_MS) {
        publish(due);
        this.#sent += 1;
      }
    }, EVERY_MS / 5);
  }

  static async start(target: Target): Promise<Bystander> {
    const connect = () => LoadClient.connect(target, quiet());
    const [publisher, subscriber] = [await connect(), await connect()];
    await subscriber.subscribe(TOPIC, 1);
    return new Bystander(publisher, subscriber);
  }

  /** Of the time since this was last asked, behind what is still on its way. */
  async beside(): Promise<Beside> {
    const sent = this.#sent;
    for (let waited = 0; this.#latencies.length < sent && waited < PATIENCE_MS; waited += LOOK_MS) await wait(LOOK_MS);
    const arrived = this.#latencies.length;
    const result = { ...percentiles(this.#latencies), missing: Math.max(0, sent - arrived) };
    [this.#latencies, this.#sent] = [[], this.#sent - arrived];
    return result;
  }

  async leave(): Promise<void> {
    clearInterval(this.#sending);
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}
