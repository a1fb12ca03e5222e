// Gives each message to one member of each group that shares its topic. A group owns its messages: they wait here while
// no member is connected, come back when a member goes before it has acknowledged, and one that is to come once is given
// to one member for good before anything of it is sent.

import { readTrustedPublish } from "../../broker/mqtt/publish.ts";
import type { Share } from "../../broker/topics/share.ts";
import type { BrokerSettings } from "../../contracts/deployment-config.ts";
import type { Origin } from "../../contracts/envelope.ts";
import { firstRow } from "../../platform/first-row.ts";
import { GroupQueue } from "./group-queue.ts";
import type { Group, MemberWord, OnlineMember } from "./group-table.ts";
import { GroupTable } from "./group-table.ts";
import { MemberLoads } from "./member-loads.ts";
import type { Routed, SafetyAwaiter, SessionStream } from "./session-stream.ts";

/** Of a message that is stored already: nobody else waits. */
const nobody: SafetyAwaiter = { safe: () => undefined, refused: () => undefined };

export interface GroupPorts {
  sql: SqlStorage;
  settings(): Pick<BrokerSettings, "sharedStrategy" | "queueLengthMax" | "queueStoreQos0">;
  stream(shard: number): SessionStream;
  /** Whether this shard may store nothing more. */
  full(): boolean;
  /** Whether the outbox may take nothing more. */
  outboxFull(): boolean;
}

export class Groups {
  readonly #ports: GroupPorts;
  readonly #table: GroupTable;
  readonly #queue: GroupQueue;
  readonly #loads = new MemberLoads();
  /** Shares of which something waits though a member is connected. */
  readonly #toGive = new Map<string, Share>();
  /** By session shard: the highest sequence of which a message was given to a group, and whether that is written. */
  readonly #origins = new Map<number, { sequence: number; written: boolean }>();
  #settling = false;
  /** Messages that were dropped because too many waited, or that expired while they waited. */
  dropped = 0;

  constructor(ports: GroupPorts) {
    this.#ports = ports;
    this.#table = new GroupTable(ports.sql, (uid) => this.#loads.of(uid));
    this.#queue = new GroupQueue(ports.sql);
    for (const share of this.#table.unserved()) this.#toGive.set(share.name, share);
  }

  /** The shares of a topic's messages. */
  match(topic: string): readonly Share[] {
    return this.#table.match(topic);
  }

  /** Whether the groups had this message already. If not, they have it now: `give` must follow in the same event. */
  repeated({ shard, sequence }: Origin): boolean {
    const origin = this.#origin(shard);
    if (sequence <= origin.sequence) return true;
    origin.sequence = sequence;
    origin.written = false;
    return false;
  }

  /** Gives a message to a member of a share's group. False: it has no member. `awaiter`: null at QoS 0. */
  give(share: Share, message: Routed, awaiter: SafetyAwaiter | null): boolean {
    const group = this.#table.find(share);
    if (group === null) return false;
    if (group.waiting > 0 || group.online.length === 0) this.#wait(group, message, awaiter);
    else this.#assign(group, message, awaiter);
    return true;
  }

  /** A session shard's word about one of its sessions. */
  apply(share: Share, word: MemberWord): void {
    this.#table.apply(share, word);
    this.#loads.reset(word.uid);
    if (word.is === "online" && (this.#table.find(share)?.waiting ?? 0) > 0) this.#toGive.set(share.name, share);
  }

  /** Takes messages that waited for a share's group in another topic shard; its members were applied before. */
  adopt(share: Share, messages: readonly Routed[]): void {
    const group = this.#table.find(share);
    if (group === null) return;
    for (const message of messages) this.#queue.add(group, message, Infinity);
    this.#toGive.set(share.name, share);
  }

  /** Rows have changed by themselves. */
  forget(): void {
    this.#table.forget();
    this.#toGive.clear();
    for (const share of this.#table.unserved()) this.#toGive.set(share.name, share);
  }

  /** A session shard told how many messages one of its sessions has at hand. */
  load(uid: number, turn: number, messages: number): void {
    this.#loads.told(uid, turn, messages);
  }

  /** At the end of each event: what waits goes to who is there now, and what was given is remembered. */
  settle(): void {
    if (this.#settling) return; // A stream settles what its trouble has caused.
    this.#settling = true;
    try {
      for (const share of this.#toGive.values()) this.#giveOut(share);
    } finally {
      this.#settling = false;
    }
    for (const [shard, origin] of this.#origins) {
      if (origin.written) continue;
      origin.written = true;
      this.#ports.sql.exec(
        "INSERT INTO group_origin (origin, sequence) VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET sequence = excluded.sequence",
        shard,
        origin.sequence,
      );
    }
  }

  #giveOut(share: Share): void {
    const group = this.#table.find(share);
    for (;;) {
      if (group === null || group.waiting === 0 || group.online.length === 0) {
        this.#toGive.delete(share.name);
        return;
      }
      if (this.#ports.outboxFull()) return; // It goes on when that has emptied.
      for (const message of this.#queue.take(group)) this.#giveWaiting(group, message);
    }
  }

  /** No member is there, or others wait before it. */
  #wait(group: Group, message: Routed, awaiter: SafetyAwaiter | null): void {
    const { settings, full } = this.#ports;
    const { queueLengthMax, queueStoreQos0 } = settings();
    if (awaiter === null && (!queueStoreQos0 || full())) {
      this.dropped += 1;
    } else if (full() && message.origin === null) {
      awaiter?.refused();
    } else {
      this.dropped += this.#queue.add(group, message, queueLengthMax);
      awaiter?.safe();
    }
  }

  #assign(group: Group, message: Routed, awaiter: SafetyAwaiter | null): void {
    const member = this.#choose(group, message);
    if (member === null) return;
    const { uid, shard } = member;
    const counted = this.#ports.settings().sharedStrategy === "least_inflight";
    const turn = counted ? this.#loads.given(uid) : 0;
    const { publisher, expiresAt, packet, origin } = message;
    const own = { uid, share: group.share.name, turn };
    this.#ports.stream(shard).message(awaiter, { publisher, expiresAt, packet, origin, member: own });
  }

  /** What waited is in no other place: it goes by way of the outbox. */
  #giveWaiting(group: Group, message: Routed): void {
    const { qos } = readTrustedPublish(message.packet);
    if (message.expiresAt !== 0 && message.expiresAt <= Date.now()) this.dropped += 1;
    else if (qos === 0) this.#assign(group, { ...message, origin: null }, null);
    else this.#assign(group, message, nobody);
  }

  /** By the strategy; of those whose session shard can be reached, if there is one. */
  #choose({ choice, online }: Group, { publisher, packet }: Routed): OnlineMember | null {
    const { settings, stream } = this.#ports;
    const { sharedStrategy } = settings();
    const message = {
      topic: sharedStrategy === "hash_topic" ? readTrustedPublish(packet).topic : "",
      publisher,
    };
    const member = choice.pick(sharedStrategy, online, message);
    if (member === null || stream(member.shard).ready) return member;
    const reached = online.filter(({ shard }) => stream(shard).ready);
    return choice.pick(sharedStrategy, reached, message) ?? member;
  }

  #origin(shard: number): { sequence: number; written: boolean } {
    const known = this.#origins.get(shard);
    if (known !== undefined) return known;
    const row = firstRow(
      this.#ports.sql.exec<{ sequence: number }>("SELECT sequence FROM group_origin WHERE origin = ?", shard),
    );
    const origin = { sequence: row?.sequence ?? 0, written: true };
    this.#origins.set(shard, origin);
    return origin;
  }
}
