// The sending end of the ordered stream between two objects: collects entries into batches, keeps several calls
// outstanding, sends again what was not answered, in order. What an entry means is its user's business: a token
// travels with each entry that somebody waits for, and comes back when the receiver has answered its batch.

import type { EnvelopeHeader } from "../contracts/envelope.ts";
import { EnvelopeWriter } from "../contracts/envelope.ts";
import type { DeliverReply } from "../contracts/rpc.ts";

/** A stream whose last batch held this many entries is under load: waiting a moment makes the next one larger. */
const BUSY_ENTRIES = 4;
const BUSY_WAIT_MS = 1;

export interface StreamSenderOptions<Token> {
  /** This object's index among its kind, and how often it has started. */
  sender: number;
  incarnation: number;
  bounds: { batchBytes: number; batchEntries: number; callsOutstanding: number };
  call(envelope: Uint8Array): Promise<DeliverReply>;
  /** Milliseconds until try `attempt` (from 1). */
  backOffMs(attempt: number): number;
  /** The receiver has these, in order; `receiver` is its incarnation. */
  onAnswered(tokens: Token[], receiver: number): void;
  /** A call failed: none of these, in order, is answered; they will be sent until they are. */
  onTrouble(tokens: Token[]): void;
  /** All that was unanswered at the trouble has been answered. */
  onRecovered(): void;
  /** A newer incarnation of this object lives: this one must end. */
  onReplaced(): void;
}

interface Batch<Token> {
  readonly writer: EnvelopeWriter;
  readonly tokens: Token[];
  readonly sequence: number;
  answered: boolean;
}

/** One stream. `writer` takes the next entry; call `written` behind each. */
export class StreamSender<Token> {
  readonly #options: StreamSenderOptions<Token>;
  /** Sent and not answered, in order. */
  #unanswered: Batch<Token>[] = [];
  /** Full batches that wait for a call. */
  #full: Batch<Token>[] = [];
  #collecting: { writer: EnvelopeWriter; tokens: Token[] } = { writer: new EnvelopeWriter(), tokens: [] };
  #nextSequence = 1;
  #pumpScheduled = false;
  #lastEntries = 0;
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: StreamSenderOptions<Token>) {
    this.#options = options;
  }

  /** True from a failed call until everything that was unanswered then has been answered. */
  get troubled(): boolean {
    return this.#attempt > 0;
  }

  /** Nothing is collected, waiting or unanswered. */
  get idle(): boolean {
    return this.#unanswered.length === 0 && this.#full.length === 0 && this.#collecting.writer.entries === 0;
  }

  /** Bytes that wait for a call. */
  get pendingBytes(): number {
    let bytes = this.#collecting.writer.byteLength;
    for (const batch of this.#full) bytes += batch.writer.byteLength;
    return bytes;
  }

  /** Takes the next entry; `written` must follow. */
  get writer(): EnvelopeWriter {
    return this.#collecting.writer;
  }

  /** The entry just written is complete; `token` comes back when it is answered. */
  written(token: Token | null): void {
    const { writer, tokens } = this.#collecting;
    if (token !== null) tokens.push(token);
    const { batchBytes, batchEntries } = this.#options.bounds;
    if (writer.byteLength >= batchBytes || writer.entries >= batchEntries) this.#full.push(this.#close());
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    // Idle: at the end of this event. Busy: one turn later, so that what arrives meanwhile travels along.
    if (this.#unanswered.length === 0) queueMicrotask(() => this.#pump());
    else setTimeout(() => this.#pump(), this.#lastEntries >= BUSY_ENTRIES ? BUSY_WAIT_MS : 0);
  }

  /** Sends a batch without entries: its answer tells whether the receiver was reset. */
  probe(): void {
    this.#full.push(this.#close());
    this.#pump();
  }

  #close(): Batch<Token> {
    const { writer, tokens } = this.#collecting;
    this.#collecting = { writer: new EnvelopeWriter(), tokens: [] };
    return { writer, tokens, sequence: this.#nextSequence++, answered: false };
  }

  #pump(): void {
    this.#pumpScheduled = false;
    while (!this.troubled && this.#unanswered.length < this.#options.bounds.callsOutstanding) {
      const batch = this.#full.shift() ?? (this.#collecting.writer.entries > 0 ? this.#close() : null);
      if (batch === null) return;
      this.#unanswered.push(batch);
      this.#send(batch);
    }
  }

  #send(batch: Batch<Token>): void {
    this.#lastEntries = batch.writer.entries;
    const { sender, incarnation, bounds } = this.#options;
    const header: EnvelopeHeader = {
      sender,
      incarnation,
      sequence: batch.sequence,
      base: this.#unanswered[0]?.sequence ?? batch.sequence,
      writeAtOnce: this.#unanswered.length >= bounds.callsOutstanding,
    };
    this.#options.call(batch.writer.seal(header)).then(
      (reply) => this.#onReply(batch, reply),
      () => this.#onFailure(batch),
    );
  }

  #onReply(batch: Batch<Token>, reply: DeliverReply): void {
    switch (reply.status) {
      case "done":
        this.#onDone(batch, reply.incarnation);
        return;
      case "stale":
        this.#options.onReplaced();
        return;
      case "gap":
      case "not_provisioned":
        this.#onFailure(batch);
        return;
      default:
        reply satisfies never;
    }
  }

  #onDone(batch: Batch<Token>, receiver: number): void {
    if (batch.answered) return;
    batch.answered = true;
    const first = this.#unanswered[0] === batch;
    this.#unanswered = this.#unanswered.filter((other) => other !== batch);
    this.#options.onAnswered(batch.tokens, receiver);
    if (this.troubled && (first || this.#unanswered.length === 0)) this.#recover();
    this.#pump();
  }

  #onFailure(batch: Batch<Token>): void {
    if (batch.answered || this.#retryTimer !== null) return;
    this.#attempt += 1;
    if (this.#attempt === 1) this.#options.onTrouble(this.tokens());
    this.#retryTimer = setTimeout(() => this.#retry(), this.#options.backOffMs(this.#attempt));
  }

  /** Of all entries that are not answered, in order. */
  tokens(): Token[] {
    const waiting = [...this.#unanswered, ...this.#full].flatMap((batch) => batch.tokens);
    return waiting.concat(this.#collecting.tokens);
  }

  /** Tries the first unanswered batch alone: only when it came through do the others follow. */
  #retry(): void {
    this.#retryTimer = null;
    const first = this.#unanswered[0];
    if (first === undefined) this.#recover();
    else this.#send(first);
  }

  #recover(): void {
    this.#attempt = 0;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    for (const batch of this.#unanswered) this.#send(batch);
    this.#options.onRecovered();
    this.#pump();
  }
}
