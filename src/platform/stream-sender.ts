// The sending end of the ordered stream between two objects: collects entries into batches, keeps several calls
// outstanding, sends again what was not answered, in order. What an entry means is its user's business: a token
// travels with each entry that somebody waits for, and comes back when the receiver has answered its batch.

import type { EnvelopeHeader } from "../contracts/envelope.ts";
import { EnvelopeWriter } from "../contracts/envelope-writer.ts";
import type { DeliverReply } from "../contracts/rpc.ts";
import { soon } from "./soon.ts";
import { TravellingAnswer } from "./travelling-answer.ts";

/** A stream whose last batch held this many entries is under load: waiting a moment makes the next one larger. */
const BUSY_ENTRIES = 4;
const BUSY_WAIT_MS = 1;
/** The same if the receiver is to write something of it before it goes on: each batch is a commit there. */
const BUSY_WRITTEN_WAIT_MS = 4;
/** So long after its last batch a stream is no longer under load. */
const BUSY_FOR_MS = 100;
/** A batch that may stay small is given no more room than this to begin with. */
const EXPECTED_BYTES_MAX = 16 * 1_024;

export interface StreamSenderOptions<Token> {
  /** This object's index among its kind, and how often it has started. */
  sender: number;
  incarnation: number;
  bounds: { batchBytes: number; batchEntries: number; callsOutstanding: number };
  /** Sends a batch. `onReply` is told its answer, null if it failed, but not before this returns. */
  call(envelope: Uint8Array, onReply: (reply: DeliverReply | null) => void): void;
  /** Milliseconds until try `attempt` (from 1). */
  backOffMs(attempt: number): number;
  /** The receiver has these, in order. */
  onAnswered(tokens: Token[]): void;
  /** A call failed: none of these, in order, is answered; they will be sent until they are. */
  onTrouble(tokens: Token[]): void;
  /** All that was unanswered at the trouble has been answered. */
  onRecovered(): void;
  /** The receiver has lost its memory. What `repeat` is called for with each writes, in order, goes in front of all that
   *  is not answered: what the receiver had and is to have again. */
  onReset(repeat: (write: (writer: EnvelopeWriter) => void, token: Token) => void): void;
  /** A newer incarnation of this object lives: this one must end. */
  onReplaced(): void;
}

/** So many times the calls that may be outstanding may wait for the answer to an older batch. */
const ANSWERED_EARLY_TIMES = 8;

interface Batch<Token> {
  /** Without entries once it is answered. */
  writer: EnvelopeWriter;
  tokens: Token[];
  readonly sequence: number;
  answered: boolean;
  /** Sent, and neither answered nor failed. */
  outstanding: boolean;
}

/** What is written next goes here. */
class Collected<Token> {
  readonly writer: EnvelopeWriter;
  readonly tokens: Token[] = [];
  /** Waits for its time, whatever is answered meanwhile. */
  gathers = false;

  constructor(expectedBytes = 0) {
    this.writer = new EnvelopeWriter(expectedBytes);
  }
}

/** One stream. `writer` takes the next entry; call `written` behind each. */
export class StreamSender<Token> {
  readonly #options: StreamSenderOptions<Token>;
  /** Sent, in order. The first is not answered; of those behind it some may be, and are kept to keep their place. */
  #window: Batch<Token>[] = [];
  /** Full batches that wait for a call. */
  #full: Batch<Token>[] = [];
  #collecting = new Collected<Token>();
  #nextSequence = 1;
  /** Incarnation of the receiver as far as it is known; 0: not yet. */
  #receiver = 0;
  /** The receiver was reset: nothing is sent until all that is outstanding has come back. */
  #wasReset = false;
  #pumpScheduled = false;
  /** What is collected is sent at the end of this event. */
  #sendsSoon = false;
  /** To the receiver's own batches. */
  readonly #answer = new TravellingAnswer();
  /** Of the last batch that had any, and when it was sent, in ms. */
  #lastEntries = 0;
  #lastAt = 0;
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
    return this.#window.length === 0 && this.#full.length === 0 && this.#collecting.writer.entries === 0;
  }

  /** Bytes that wait for a call. */
  get pendingBytes(): number {
    let bytes = this.#collecting.writer.byteLength;
    for (const batch of this.#full) bytes += batch.writer.byteLength;
    return bytes;
  }

  /** Tokens of entries that wait for a call. */
  get pendingTokens(): number {
    let tokens = this.#collecting.tokens.length;
    for (const batch of this.#full) tokens += batch.tokens.length;
    return tokens;
  }

  /** Takes the next entry; `written` must follow. */
  get writer(): EnvelopeWriter {
    return this.#collecting.writer;
  }

  /** The entry just written is complete; `token` comes back when it is answered. `stored`: the receiver writes it down before
   *  it goes on. */
  written(token: Token | null, stored = false): void {
    const collecting = this.#collecting;
    const { writer, tokens } = collecting;
    if (token !== null) tokens.push(token);
    if (this.#isFull(writer)) {
      this.#full.push(this.#close());
      soon(() => this.#sendFull());
    } else if (stored && writer.entries === 1 && this.#busy) this.#gather(collecting);
    else if (!collecting.gathers && !this.#pumpScheduled) this.#schedulePump();
  }

  /** All batches up to `sequence` that came from this receiver, in that incarnation of it, are done. True: the answer
   *  travels along with what is sent at the end of this event. */
  answer(incarnation: number, sequence: number): boolean {
    if (!this.#sendsSoon || this.#receiver !== incarnation) return false;
    this.#answer.set(incarnation, sequence);
    return true;
  }

  /** As `answer`, but waits a moment for something to travel with: for one batch, since a receiver that sends more needs
   *  to know. */
  answerSoon(incarnation: number, sequence: number): boolean | Promise<boolean> {
    if (this.answer(incarnation, sequence)) return true;
    const others = this.#answer.waits;
    this.#answer.giveUp();
    if (others || this.#receiver !== incarnation || this.troubled || this.#window.length > 0) return false;
    this.#answer.set(incarnation, sequence);
    return this.#answer.wait();
  }

  /** Sends a batch without entries: its answer tells whether the receiver was reset. */
  probe(): void {
    this.#full.push(this.#close());
    this.#pump();
  }

  /** Of all entries that are not answered, in order. */
  tokens(): Token[] {
    const waiting = [...this.#unanswered, ...this.#full].flatMap((batch) => batch.tokens);
    return waiting.concat(this.#collecting.tokens);
  }

  get #unanswered(): Batch<Token>[] {
    return this.#window.filter(({ answered }) => !answered);
  }

  #isFull(writer: EnvelopeWriter): boolean {
    const { batchBytes, batchEntries } = this.#options.bounds;
    return writer.byteLength >= batchBytes || writer.entries >= batchEntries;
  }

  #close(): Batch<Token> {
    const { writer, tokens } = this.#collecting;
    // The next one is likely to be about as large.
    const expectedBytes = Math.min(writer.byteLength, EXPECTED_BYTES_MAX);
    this.#collecting = new Collected(expectedBytes);
    return { writer, tokens, sequence: this.#nextSequence++, answered: false, outstanding: false };
  }

  get #busy(): boolean {
    return this.#lastEntries >= BUSY_ENTRIES && Date.now() - this.#lastAt < BUSY_FOR_MS;
  }

  #gather(collecting: Collected<Token>): void {
    collecting.gathers = true;
    setTimeout(() => {
      collecting.gathers = false;
      this.#pump();
    }, BUSY_WRITTEN_WAIT_MS);
  }

  #schedulePump(): void {
    this.#pumpScheduled = true;
    // Idle: at the end of this event. Busy: one turn later, so that what arrives meanwhile travels along.
    if (this.#window.length === 0) {
      this.#sendsSoon = !this.troubled && !this.#wasReset;
      soon(() => this.#pump());
    } else setTimeout(() => this.#pump(), this.#busy ? BUSY_WAIT_MS : 0);
  }

  get #mayCall(): boolean {
    const { callsOutstanding } = this.#options.bounds;
    if (this.troubled || this.#wasReset || this.#window.length >= ANSWERED_EARLY_TIMES * callsOutstanding) return false;
    return this.#unanswered.length < callsOutstanding;
  }

  #pump(): void {
    this.#pumpScheduled = false;
    this.#sendFull();
    const { writer, gathers } = this.#collecting;
    if (writer.entries > 0 && !gathers && this.#mayCall) this.#sendNext(this.#close());
  }

  #sendFull(): void {
    this.#sendsSoon = false;
    while (this.#mayCall) {
      const batch = this.#full.shift();
      if (batch === undefined) return;
      this.#sendNext(batch);
    }
  }

  #sendNext(batch: Batch<Token>): void {
    const { entries } = batch.writer;
    if (entries > 0) {
      this.#lastEntries = entries;
      this.#lastAt = Date.now();
    }
    this.#window.push(batch);
    this.#send(batch);
  }

  #send(batch: Batch<Token>): void {
    batch.outstanding = true;
    const { sender, incarnation, bounds } = this.#options;
    const header: EnvelopeHeader = {
      sender,
      incarnation,
      sequence: batch.sequence,
      base: this.#window[0]?.sequence ?? batch.sequence,
      receiver: this.#receiver,
      answered: this.#answer.take(this.#receiver),
      writeAtOnce: this.#unanswered.length >= bounds.callsOutstanding,
    };
    this.#options.call(batch.writer.seal(header), (reply) => {
      if (reply === null) this.#onFailure(batch);
      else this.#onReply(batch, reply);
    });
  }

  #onReply(batch: Batch<Token>, reply: DeliverReply): void {
    switch (reply.status) {
      case "done":
        // A receiver that is no more may still be heard, and its sequences may have been given anew since.
        if (reply.incarnation < this.#receiver) {
          this.#onFailure(batch);
          return;
        }
        this.#receiver = reply.incarnation;
        this.#onDone(batch);
        return;
      case "stale":
        this.#options.onReplaced();
        return;
      case "reset":
        batch.outstanding = false;
        this.#receiver = reply.incarnation;
        this.#wasReset = true;
        this.#beginAgain();
        return;
      case "gap":
      case "not_provisioned":
        this.#onFailure(batch);
        return;
      default:
        reply satisfies never;
    }
  }

  #onDone(batch: Batch<Token>): void {
    batch.outstanding = false;
    if (batch.answered) return;
    batch.answered = true;
    const first = this.#window[0] === batch;
    if (!first) batch.writer = new EnvelopeWriter(); // Its bytes are not needed any more.
    while (this.#window[0]?.answered === true) this.#window.shift();
    this.#options.onAnswered(batch.tokens);
    this.#beginAgain();
    if (this.troubled && first) this.#recover();
    this.#pump();
  }

  #onFailure(batch: Batch<Token>): void {
    batch.outstanding = false;
    if (batch.answered) return;
    this.#beginAgain();
    if (batch.outstanding || this.#retryTimer !== null) return;
    this.#attempt += 1;
    // First: it is tried again whatever becomes of what its user does now.
    this.#retryTimer = setTimeout(() => this.#retry(), this.#options.backOffMs(this.#attempt));
    if (this.#attempt === 1) this.#options.onTrouble(this.tokens());
  }

  /** Tries the first unanswered batch alone: only when it came through do the others follow. */
  #retry(): void {
    this.#retryTimer = null;
    const [first] = this.#window;
    if (this.#wasReset) this.#beginAgain();
    else if (first === undefined) this.#recover();
    else if (!first.outstanding) this.#send(first);
  }

  #recover(): void {
    this.#attempt = 0;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#sendUnanswered();
    this.#options.onRecovered();
    this.#pump();
  }

  /** The receiver was reset and nothing is on its way: what it must have again goes first, then all the rest, in the
   *  order in which it was written. */
  #beginAgain(): void {
    if (!this.#wasReset || this.#window.some(({ outstanding }) => outstanding)) return;
    this.#wasReset = false;
    this.#window = [...this.#repeated(), ...this.#window];
    if (!this.troubled) this.#sendUnanswered();
    else if (this.#retryTimer === null) this.#retry();
  }

  /** Writes what was answered once more: into its own batch where that is still in the window, else into batches numbered
   *  before it, with which a receiver that was reset begins. Returns the latter. */
  #repeated(): Batch<Token>[] {
    const waiting = new Set(this.tokens()); // What was repeated before and not answered is among them.
    const places = new Map<Token, Batch<Token>>();
    for (const batch of this.#window) {
      if (!batch.answered) continue;
      for (const token of batch.tokens) places.set(token, batch);
      Object.assign(batch, { tokens: [], answered: false }); // Even without entries: there is no gap in the sequence.
    }
    const batches: { writer: EnvelopeWriter; tokens: Token[] }[] = [];
    this.#options.onReset((write, token) => {
      if (waiting.has(token)) return;
      let into = places.get(token) ?? batches.at(-1);
      if (into === undefined || (!places.has(token) && this.#isFull(into.writer))) {
        into = { writer: new EnvelopeWriter(), tokens: [] };
        batches.push(into);
      }
      write(into.writer);
      into.tokens.push(token);
    });
    const first = (this.#window[0] ?? this.#full[0])?.sequence ?? this.#nextSequence;
    return batches.map((batch, i) => ({
      ...batch,
      sequence: first - batches.length + i,
      answered: false,
      outstanding: false,
    }));
  }

  #sendUnanswered(): void {
    for (const batch of this.#window) if (!batch.answered && !batch.outstanding) this.#send(batch);
  }
}
