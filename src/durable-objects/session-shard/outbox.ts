// Messages that this shard has taken, to be routed once: durable before anybody is told that they were taken, numbered,
// and sent to their topic shard in that order until they are safe with all who want them. So many of a topic shard are
// under way at once; the rest waits here.

import { limits } from "../../broker/limits.ts";
import { slotOfTopic } from "../../broker/topics/slots.ts";
import type { Placement } from "../../contracts/deployment-config.ts";
import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import { OutboxRows } from "./outbox-rows.ts";
import type { TakenMessage } from "./taken-messages.ts";
import type { OutcomeAwaiter } from "./topic-stream.ts";

/** How long a row that is settled may wait to be removed with others: one that comes again is known as such. */
export const SETTLED_FLUSH_MS = 50;

export interface OutboxPorts {
  sql: SqlStorage;
  placement(): Placement;
  /** Sends a message on its way; `awaiter` is told its outcome. */
  send(topicShard: number, message: TakenMessage, awaiter: OutcomeAwaiter): void;
  /** Something is settled: `flush` must be called within a moment. */
  onSettled(): void;
}

/** Of one topic shard. */
interface Lane {
  /** Sent and not settled. */
  messages: number;
  bytes: number;
  /** Sequence up to which all were sent. */
  sentUpTo: number;
  /** There are rows behind that. */
  more: boolean;
}

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #rows: OutboxRows;
  readonly #lanes = new Map<number, Lane>();
  /** Taken in this event, by topic shard. */
  #taken = new Map<number, Omit<TakenMessage, "sequence">[]>();
  #takenCount = 0;
  /** Who wants to know the outcome of a message, by sequence. */
  readonly #awaiters = new Map<number, OutcomeAwaiter>();
  #takenAwaiters: { topicShard: number; place: number; awaiter: OutcomeAwaiter }[] = [];

  /** Up to this sequence messages may have been sent by an earlier life of this object: they are sent again even while their
   *  topic shard is held. It has the slots until all is quiet. */
  readonly #earlierUpTo: number;

  constructor(ports: OutboxPorts) {
    this.#ports = ports;
    this.#rows = new OutboxRows(ports.sql);
    const { move } = ports.placement();
    this.#earlierUpTo = move !== 0 && this.#rows.isNeverSent(move) ? 0 : this.#rows.lastSequence;
  }

  /** Messages that are not settled. */
  get messages(): number {
    return this.#rows.messages;
  }

  /** The last sequence that was given to a message. */
  get lastSequence(): number {
    return this.#rows.lastSequence;
  }

  /** Whether all messages up to a sequence are settled. */
  settledUpTo(sequence: number): boolean {
    return this.#rows.oldestUnsettled > sequence;
  }

  /** Whether no message is on its way to a held topic shard, and none of an earlier life of this object may be. */
  quiet(topicShard: number): boolean {
    return this.#lane(topicShard).messages === 0 && this.#rows.oldestUnsettledOf(topicShard) > this.#earlierUpTo;
  }

  /** All held topic shards are quiet while slots move: what is left for them was never sent, and is known for that from now on,
   *  whatever dies. `placed` may give it to others. */
  stopped({ held, move }: Placement): void {
    this.#rows.forgetSettled(held);
    this.#rows.neverSent(move);
  }

  /** Slots live elsewhere now, or other topic shards are held than before: what was for those and never sent goes where it
   *  belongs now. */
  placed({ held }: Placement): void {
    const { topic: slots } = this.#ports.placement();
    const shardOf = (packet: Uint8Array) => slots.shardOf(slotOfTopic(readTrustedPublish(packet).topic));
    for (const [before, after] of this.#rows.relane(held, shardOf)) {
      const awaiter = this.#awaiters.get(before);
      if (awaiter === undefined) continue;
      this.#awaiters.delete(before);
      this.#awaiters.set(after, awaiter);
    }
    this.recover();
  }

  /** Sends what an earlier life of this object left. */
  recover(): void {
    for (const topicShard of this.#rows.topicShards()) {
      this.#lane(topicShard).more = true;
      this.#advance(topicShard);
    }
  }

  /** Takes a message; `commit` must follow in the same event. `awaiter` is told its outcome, unless this object loses its
   *  memory before. False: there is no room. */
  take(
    topic: string,
    publisher: number,
    expiresAt: number,
    packet: Uint8Array,
    awaiter: OutcomeAwaiter | null = null,
  ): boolean {
    if (this.#rows.messages + this.#takenCount >= limits.outboxMessages || this.#rows.bytes >= limits.outboxBytes)
      return false;
    this.#add(topic, { publisher, expiresAt, packet, share: "" }, awaiter);
    return true;
  }

  /** Takes a message that a share's group shall give to another member: room or not, since it is this shard's already.
   *  `commit` must follow in the same event. */
  giveBack(
    share: string,
    {
      topic,
      publisher,
      expiresAt,
      packet,
    }: { topic: string } & Pick<TakenMessage, "publisher" | "expiresAt" | "packet">,
  ): void {
    this.#add(topic, { publisher, expiresAt, packet, share }, null);
  }

  /** Stores what was taken in this event, and sends it on its way. */
  commit(): void {
    if (this.#takenCount === 0) return;
    const all = this.#taken;
    const awaiters = this.#takenAwaiters;
    this.#taken = new Map();
    this.#takenAwaiters = [];
    this.#takenCount = 0;
    for (const [topicShard, messages] of all) {
      const first = this.#rows.add(topicShard, messages);
      for (const each of awaiters) {
        if (each.topicShard === topicShard) this.#awaiters.set(first + each.place, each.awaiter);
      }
      const lane = this.#lane(topicShard);
      if (lane.more) continue;
      lane.more = true;
      this.#advance(topicShard);
    }
  }

  /** Removes what is settled. */
  flush(): void {
    this.#rows.flush();
  }

  #add(topic: string, message: Omit<TakenMessage, "sequence">, awaiter: OutcomeAwaiter | null): void {
    const topicShard = this.#ports.placement().topic.shardOf(slotOfTopic(topic));
    const taken = this.#taken.get(topicShard) ?? [];
    if (awaiter !== null) this.#takenAwaiters.push({ topicShard, place: taken.length, awaiter });
    taken.push(message);
    this.#taken.set(topicShard, taken);
    this.#takenCount += 1;
  }

  /** Sends as many as may be under way. */
  #advance(topicShard: number): void {
    const lane = this.#lane(topicShard);
    const upTo = this.#ports.placement().held.has(topicShard) ? this.#earlierUpTo : Infinity;
    while (lane.more && hasRoom(lane)) {
      const messages = this.#rows.next(topicShard, lane.sentUpTo);
      if (messages.length === 0) lane.more = false;
      for (const message of messages) {
        if (!hasRoom(lane) || message.sequence > upTo) return;
        lane.sentUpTo = message.sequence;
        lane.messages += 1;
        lane.bytes += message.packet.length;
        this.#ports.send(topicShard, message, { routed: (code) => this.#settled(topicShard, message, code) });
      }
    }
  }

  #settled(topicShard: number, { sequence, packet }: TakenMessage, reasonCode: number): void {
    const lane = this.#lane(topicShard);
    lane.messages -= 1;
    lane.bytes -= packet.length;
    this.#rows.settled(sequence);
    this.#ports.onSettled();
    this.#awaiters.get(sequence)?.routed(reasonCode);
    this.#awaiters.delete(sequence);
    this.#advance(topicShard);
  }

  #lane(topicShard: number): Lane {
    const known = this.#lanes.get(topicShard);
    if (known !== undefined) return known;
    const lane: Lane = { messages: 0, bytes: 0, sentUpTo: 0, more: false };
    this.#lanes.set(topicShard, lane);
    return lane;
  }
}

function hasRoom({ messages, bytes }: Lane): boolean {
  return messages < limits.exactlyOnceMessages && bytes < limits.exactlyOnceBytes;
}
