// A subscriber that follows section 4.3 as a receiver, and keeps some of its acknowledgements back for a while.

import type { Packet } from "mqtt-packet";
import type { LinkClient, TestDeployment } from "../shards/link-client.ts";
import { text } from "../shards/link-client.ts";
import { SteadyClient } from "./steady-client.ts";

type Publish = Extract<Packet, { cmd: "publish" }>;

export class ModelSubscriber extends SteadyClient {
  readonly filter: string;
  readonly receiveMaximum: number;
  /** Payloads of QoS 1 as they came, and of QoS 2 as they count. */
  readonly got: string[] = [];
  /** Most messages that were with this client unacknowledged. */
  mostUnacknowledged = 0;
  /** Its session was not there when it came back. */
  lostSession = false;
  /** Keeps acknowledgements back. */
  #silent = false;
  #kept: Packet[] = [];
  readonly #unreleased = new Set<number>();
  /** Packet ids that came over this connection and are not acknowledged. */
  readonly #unacknowledged = new Set<number>();

  constructor(deployment: TestDeployment, id: string, filter: string, receiveMaximum: number) {
    super(deployment, id, { receiveMaximum });
    this.filter = filter;
    this.receiveMaximum = receiveMaximum;
  }

  override async begin(): Promise<LinkClient> {
    const client = await super.begin();
    const [granted] = await client.subscribe(this.filter, { qos: 2 });
    if (granted !== 2) throw new Error(`${this.filter}: ${granted}`);
    return client;
  }

  /** Acknowledges nothing, until `speak`. */
  silence(): void {
    this.#silent = true;
  }

  speak(): void {
    this.#silent = false;
    const kept = this.#kept;
    this.#kept = [];
    for (const packet of kept) this.#answer(packet);
  }

  protected override resumed(sessionPresent: boolean): void {
    if (!sessionPresent) this.lostSession = true;
    this.#kept = []; // What is not acknowledged comes again.
    this.#unacknowledged.clear();
  }

  protected override received(packet: Packet): void {
    if (packet.cmd === "publish") this.#take(packet);
    if (packet.cmd !== "pubrel") return;
    const messageId = packet.messageId ?? 0;
    this.#unreleased.delete(messageId);
    this.#answer({ cmd: "pubcomp", messageId });
  }

  #take(publish: Publish): void {
    const messageId = publish.messageId ?? 0;
    this.#unacknowledged.add(messageId);
    this.mostUnacknowledged = Math.max(this.mostUnacknowledged, this.#unacknowledged.size);
    // [MQTT-4.3.3-10]: until it is released the same packet id is the same message.
    if (publish.qos === 1 || !this.#unreleased.has(messageId)) this.got.push(text(publish));
    if (publish.qos === 2) this.#unreleased.add(messageId);
    this.#answer({ cmd: publish.qos === 1 ? "puback" : "pubrec", messageId });
  }

  #answer(packet: Packet): void {
    if (this.#silent) {
      this.#kept.push(packet);
      return;
    }
    if (packet.cmd !== "pubrec") this.#unacknowledged.delete(packet.messageId ?? 0);
    this.send(packet);
  }
}
