// Writes the batches between shards (envelope.ts).

import type { EnvelopeHeader, RouteRequest, RetainedRequest, RetainedPage, Origin, SharedWith } from "./envelope.ts";
import {
  FLAG_WRITE_AT_ONCE,
  HEADER_BYTES,
  LOAD,
  MESSAGE,
  MESSAGE_ONCE,
  OWN_MESSAGE,
  PUBLISH,
  PUBLISH_ONCE,
  RETAINED,
  RETAINED_PAGE,
  RETAINED_REQUEST,
  RETURNED,
  ROUTED,
  ROUTE_REQUEST,
  ROUTE_STORED,
  SHARED,
  VERSION,
} from "./envelope-layout.ts";

const INITIAL_BYTES = 512;
const NOTHING = new Uint8Array();
const NO_VIEW = new DataView(NOTHING.buffer);

const encoder = new TextEncoder();

/** Collects the entries of one batch. */
export class EnvelopeWriter {
  /** Entries so far. */
  entries = 0;
  #bytes = NOTHING;
  #view = NO_VIEW;
  #length = HEADER_BYTES;
  readonly #expectedBytes: number;

  /** `expectedBytes`: how large the batch is likely to become; it may be more or less. */
  constructor(expectedBytes = 0) {
    this.#expectedBytes = expectedBytes;
  }

  get byteLength(): number {
    return this.#length;
  }

  publish(number: number, publisher: number, expiresAt: number, packet: Uint8Array): void {
    this.#numbered(PUBLISH, number, publisher, expiresAt, packet);
  }

  ownMessage(number: number, publisher: number, expiresAt: number, packet: Uint8Array): void {
    this.#numbered(OWN_MESSAGE, number, publisher, expiresAt, packet);
  }

  publishOnce(sequence: number, number: number, publisher: number, expiresAt: number, packet: Uint8Array): void {
    const at = this.#begin(PUBLISH_ONCE, 32 + packet.length);
    this.#view.setFloat64(at, sequence);
    this.#putNumbered(at + 8, number, publisher, expiresAt, packet);
  }

  messageOnce(origin: Origin, publisher: number, expiresAt: number, packet: Uint8Array): void {
    const at = this.#begin(MESSAGE_ONCE, 30 + packet.length);
    this.#view.setUint16(at, origin.shard);
    this.#view.setFloat64(at + 2, origin.sequence);
    this.#putMessage(at + 10, publisher, expiresAt, packet);
  }

  shared(
    { uid, share, turn }: SharedWith,
    sequence: number,
    publisher: number,
    expiresAt: number,
    packet: Uint8Array,
  ): void {
    const name = encoder.encode(share);
    const at = this.#begin(SHARED, 42 + name.length + packet.length);
    this.#view.setFloat64(at, uid);
    this.#view.setUint32(at + 8, turn);
    const end = this.#named(at + 12, name);
    this.#view.setFloat64(end, sequence);
    this.#putMessage(end + 8, publisher, expiresAt, packet);
  }

  returned(
    sequence: number,
    share: string,
    number: number,
    publisher: number,
    expiresAt: number,
    packet: Uint8Array,
  ): void {
    const name = encoder.encode(share);
    const at = this.#begin(RETURNED, 34 + name.length + packet.length);
    this.#view.setFloat64(at, sequence);
    this.#putNumbered(this.#named(at + 8, name), number, publisher, expiresAt, packet);
  }

  load(uid: number, turn: number, messages: number): void {
    const at = this.#begin(LOAD, 16);
    this.#view.setFloat64(at, uid);
    this.#view.setUint32(at + 8, turn);
    this.#view.setUint32(at + 12, messages);
  }

  routeRequest(request: RouteRequest): void {
    this.#json(ROUTE_REQUEST, request);
  }

  retainedRequest(request: RetainedRequest): void {
    this.#json(RETAINED_REQUEST, request);
  }

  retainedPage(page: RetainedPage): void {
    this.#json(RETAINED_PAGE, page);
  }

  message(publisher: number, expiresAt: number, packet: Uint8Array): void {
    this.#putMessage(this.#begin(MESSAGE, 20 + packet.length), publisher, expiresAt, packet);
  }

  retained(session: number, filter: string, expiresAt: number, packet: Uint8Array): void {
    const name = encoder.encode(filter);
    const at = this.#begin(RETAINED, 22 + name.length + packet.length);
    this.#view.setFloat64(at, session);
    const end = this.#named(at + 8, name);
    this.#view.setFloat64(end, expiresAt);
    this.#sized(end + 8, packet);
  }

  routed(first: number, count: number, reasonCode: number): void {
    const at = this.#begin(ROUTED, 9);
    this.#view.setUint32(at, first);
    this.#view.setUint32(at + 4, count);
    this.#view.setUint8(at + 8, reasonCode);
  }

  routeStored(request: number, accepted: boolean): void {
    const at = this.#begin(ROUTE_STORED, 5);
    this.#view.setUint32(at, request);
    this.#view.setUint8(at + 4, accepted ? 1 : 0);
  }

  /** The batch under this header; the writer may be asked again with another one. */
  seal(header: EnvelopeHeader): Uint8Array {
    if (this.#bytes === NOTHING) this.#grow(HEADER_BYTES);
    this.#view.setUint8(0, VERSION);
    this.#view.setUint8(1, header.writeAtOnce ? FLAG_WRITE_AT_ONCE : 0);
    this.#view.setUint16(2, header.sender);
    this.#view.setUint32(4, header.incarnation);
    this.#view.setFloat64(8, header.sequence);
    this.#view.setFloat64(16, header.base);
    this.#view.setUint32(24, header.receiver);
    this.#view.setFloat64(28, header.answered);
    return this.#bytes.slice(0, this.#length);
  }

  #json(type: number, value: RouteRequest | RetainedRequest | RetainedPage): void {
    const json = encoder.encode(JSON.stringify(value));
    this.#sized(this.#begin(type, 4 + json.length), json);
  }

  #numbered(type: number, number: number, publisher: number, expiresAt: number, packet: Uint8Array): void {
    this.#putNumbered(this.#begin(type, 24 + packet.length), number, publisher, expiresAt, packet);
  }

  #putNumbered(at: number, number: number, publisher: number, expiresAt: number, packet: Uint8Array): void {
    this.#view.setUint32(at, number);
    this.#putMessage(at + 4, publisher, expiresAt, packet);
  }

  #putMessage(at: number, publisher: number, expiresAt: number, packet: Uint8Array): void {
    this.#view.setFloat64(at, publisher);
    this.#view.setFloat64(at + 8, expiresAt);
    this.#sized(at + 16, packet);
  }

  /** Returns where it ends. */
  #named(at: number, name: Uint8Array): number {
    this.#view.setUint16(at, name.length);
    this.#bytes.set(name, at + 2);
    return at + 2 + name.length;
  }

  #sized(at: number, bytes: Uint8Array): void {
    this.#view.setUint32(at, bytes.length);
    this.#bytes.set(bytes, at + 4);
  }

  /** Makes room for an entry and returns where its fields begin. */
  #begin(type: number, fieldBytes: number): number {
    const at = this.#length;
    const end = at + 1 + fieldBytes;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes[at] = type;
    this.#length = end;
    this.entries += 1;
    return at + 1;
  }

  #grow(needed: number): void {
    const first = this.#bytes === NOTHING;
    const room = first ? Math.max(INITIAL_BYTES, this.#expectedBytes) : this.#bytes.length * 2;
    const bytes = new Uint8Array(Math.max(needed, room));
    if (!first) bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
