// The rows of the outbox: all messages of one event for one topic shard in one, so that many at once cost one write.
// What was just stored is read again from memory. Sequences grow over restarts.

import { limits } from "../../broker/limits.ts";
import { firstRow } from "../../platform/first-row.ts";
import { ReservedNumbers } from "../../platform/reserved-numbers.ts";
import type { TakenMessage } from "./taken-messages.ts";
import { MESSAGE_HEAD_BYTES, readMessages, writeMessages } from "./taken-messages.ts";

const ROW_BYTES_MAX = 1_024 * 1_024;
/** What is stored beyond this is not kept in memory too. */
const IN_MEMORY_BYTES = 2 * limits.exactlyOnceBytes;
const SEQUENCE = "outbox_sequence";
const NEVER_SENT = "outbox_never_sent";

interface Row {
  readonly topicShard: number;
  readonly sequence: number;
  readonly bytes: number;
  /** Messages in it. */
  readonly count: number;
  /** 0: it only keeps its place until the next clearing. */
  unsettled: number;
  /** Null: it must be read. */
  messages: readonly TakenMessage[] | null;
}

interface StoredRow extends Record<string, SqlStorageValue> {
  sequence: number;
  topic_shard: number;
  count: number;
  messages: ArrayBuffer;
}

export class OutboxRows {
  readonly #sql: SqlStorage;
  readonly #sequences: ReservedNumbers;
  /** In the order of their sequences. */
  #rows: Row[] = [];
  /** Of these so many are settled: taken out together, since one at a time would move all behind it. */
  #settledRows = 0;
  /** Sequences of rows that the next `flush` removes. */
  #settled: number[] = [];
  #lastSequence = 0;
  messages = 0;
  bytes = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#sequences = new ReservedNumbers(sql, SEQUENCE);
    const rows = sql.exec<StoredRow & { bytes: number }>(
      "SELECT sequence, topic_shard, count, length(messages) AS bytes FROM outbox ORDER BY sequence",
    );
    for (const { sequence, topic_shard: topicShard, count, bytes } of rows) {
      this.#rows.push(this.#counted({ topicShard, sequence, bytes, count, unsettled: count, messages: null }));
      this.#lastSequence = sequence + count - 1;
    }
  }

  /** Topic shards that something is for. */
  topicShards(): number[] {
    return Array.from(new Set(this.#rows.filter(({ unsettled }) => unsettled > 0).map(({ topicShard }) => topicShard)));
  }

  /** The last sequence that was given; 0: none yet. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Sequence of the oldest message of which it is not known that it is settled, or of one before it; Infinity: there is
   *  none. */
  get oldestUnsettled(): number {
    return this.#rows.find(({ unsettled }) => unsettled > 0)?.sequence ?? Infinity;
  }

  /** The same of those for a topic shard. */
  oldestUnsettledOf(topicShard: number): number {
    const row = this.#rows.find((each) => each.topicShard === topicShard && each.unsettled > 0);
    return row?.sequence ?? Infinity;
  }

  /** What is left for the topic shards that are held during a move of slots was never sent: remembered whatever dies. */
  neverSent(move: number): void {
    if (!this.isNeverSent(move))
      this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", NEVER_SENT, move);
  }

  isNeverSent(move: number): boolean {
    const row = firstRow(this.#sql.exec<{ value: number }>("SELECT value FROM meta WHERE key = ?", NEVER_SENT));
    return row?.value === move;
  }

  /** Of the rows of topic shards, to which nothing is on its way, what is settled is forgotten for good: what is left was never
   *  sent. */
  forgetSettled(topicShards: ReadonlySet<number>): void {
    this.flush();
    this.#rewrite((row) => {
      if (!topicShards.has(row.topicShard) || row.unsettled === 0 || row.unsettled === row.count) return null;
      return this.#load(row).slice(-row.unsettled);
    });
  }

  /** Gives messages for these topic shards that were never sent, and belong to another now, to that: behind all others. Returns
   *  their sequences, before and after. */
  relane(
    topicShards: ReadonlySet<number>,
    shardOf: (packet: Uint8Array) => number,
  ): (readonly [before: number, after: number])[] {
    const renumbered: (readonly [number, number])[] = [];
    const behind: Row[] = [];
    const moving = new Map<number, TakenMessage[]>();
    let bytes = 0;
    const store = () => {
      for (const [topicShard, messages] of moving) {
        const first = this.#addTo(behind, topicShard, messages);
        messages.forEach(({ sequence }, place) => renumbered.push([sequence, first + place]));
      }
      moving.clear();
      bytes = 0;
    };
    this.#rewrite((row) => {
      if (!topicShards.has(row.topicShard) || row.unsettled < row.count) return null;
      const staying: TakenMessage[] = [];
      for (const message of this.#load(row)) {
        const topicShard = shardOf(message.packet);
        if (topicShard === row.topicShard) {
          staying.push(message);
          continue;
        }
        const others = moving.get(topicShard) ?? [];
        moving.set(topicShard, others);
        others.push(message);
        bytes += message.packet.length;
      }
      if (bytes > IN_MEMORY_BYTES) store();
      return staying.length === row.count ? null : staying;
    });
    store();
    for (const row of behind) this.#rows.push(row);
    return renumbered;
  }

  /** Stores messages for a topic shard. Returns the sequence of the first; the others follow it. */
  add(topicShard: number, messages: readonly Omit<TakenMessage, "sequence">[]): number {
    return this.#addTo(this.#rows, topicShard, messages);
  }

  #addTo(rows: Row[], topicShard: number, messages: readonly Omit<TakenMessage, "sequence">[]): number {
    const first = this.#sequences.take(messages.length);
    this.#lastSequence = first + messages.length - 1;
    let from = 0;
    let bytes = 0;
    messages.forEach(({ packet }, place) => {
      const size = MESSAGE_HEAD_BYTES + packet.length; // A share's name aside: the bound is no hard one.
      if (place > from && bytes + size > ROW_BYTES_MAX) {
        rows.push(this.#insert(topicShard, first + from, messages.slice(from, place)));
        from = place;
        bytes = 0;
      }
      bytes += size;
    });
    rows.push(this.#insert(topicShard, first + from, messages.slice(from)));
    return first;
  }

  /** The messages of the first row of a topic shard that has some behind sequence `after`; none: there is no such. */
  next(topicShard: number, after: number): readonly TakenMessage[] {
    for (let place = Math.max(0, this.#placeOf(after)); place < this.#rows.length; place++) {
      const row = this.#rows[place];
      if (row?.topicShard !== topicShard || row.unsettled === 0) continue;
      const behind = this.#read(row).filter(({ sequence }) => sequence > after);
      if (behind.length > 0) return behind;
    }
    return [];
  }

  /** A message is settled; its row goes with the last of them, at the next `flush`. */
  settled(sequence: number): void {
    const row = this.#rows[this.#placeOf(sequence)];
    if (row === undefined || row.unsettled === 0) return;
    this.messages -= 1;
    row.unsettled -= 1;
    if (row.unsettled > 0) return;
    this.bytes -= row.bytes;
    row.messages = null;
    this.#settled.push(row.sequence);
    this.#settledRows += 1;
    if (this.#settledRows * 2 < this.#rows.length) return;
    this.#rows = this.#rows.filter(({ unsettled }) => unsettled > 0);
    this.#settledRows = 0;
  }

  flush(): void {
    if (this.#settled.length === 0) return;
    const settled = this.#settled;
    this.#settled = [];
    this.#sql
      .exec("DELETE FROM outbox WHERE sequence IN (SELECT value FROM json_each(?))", JSON.stringify(settled))
      .toArray();
  }

  /** Puts what is left of each row, under the sequences that its messages have, in its place; null: it stays as it is. */
  #rewrite(leftOf: (row: Row) => readonly TakenMessage[] | null): void {
    const rows: Row[] = [];
    for (const row of this.#rows) {
      const left = leftOf(row);
      if (left === null) {
        rows.push(row);
        continue;
      }
      this.#sql.exec("DELETE FROM outbox WHERE sequence = ?", row.sequence).toArray();
      this.messages -= row.unsettled;
      this.bytes -= row.bytes;
      for (const run of runsOf(left)) rows.push(this.#insert(row.topicShard, run[0]?.sequence ?? 0, run));
    }
    this.#rows = rows;
    this.#settledRows = rows.filter(({ unsettled }) => unsettled === 0).length;
  }

  #insert(topicShard: number, sequence: number, messages: readonly Omit<TakenMessage, "sequence">[]): Row {
    const blob = writeMessages(messages);
    this.#sql.exec(
      "INSERT INTO outbox (sequence, topic_shard, count, messages) VALUES (?, ?, ?, ?)",
      sequence,
      topicShard,
      messages.length,
      blob.buffer as ArrayBuffer,
    );
    // As views of the row: the frame that they came in is not kept.
    const own = this.bytes < IN_MEMORY_BYTES ? readMessages(blob, sequence) : null;
    const count = messages.length;
    return this.#counted({ topicShard, sequence, bytes: blob.length, count, unsettled: count, messages: own });
  }

  /** Of the last row that does not begin behind `sequence`; -1: all do. */
  #placeOf(sequence: number): number {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rows[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #counted(row: Row): Row {
    this.messages += row.unsettled;
    this.bytes += row.bytes;
    return row;
  }

  #read(row: Row): readonly TakenMessage[] {
    row.messages ??= this.#load(row);
    return row.messages;
  }

  /** As they are in memory, or read for once. */
  #load(row: Row): readonly TakenMessage[] {
    if (row.messages !== null) return row.messages;
    const { messages } = this.#sql
      .exec<StoredRow>("SELECT messages FROM outbox WHERE sequence = ?", row.sequence)
      .one();
    return readMessages(new Uint8Array(messages), row.sequence);
  }
}

/** Messages by runs of sequences without a gap. */
function runsOf(messages: readonly TakenMessage[]): TakenMessage[][] {
  const runs: TakenMessage[][] = [];
  for (const message of messages) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1)?.sequence === message.sequence - 1) run.push(message);
    else runs.push([message]);
  }
  return runs;
}
