// A batch between two shards as bytes: a header, then entries. One ordered stream of them runs each way between a
// session shard and a topic shard; everything that one tells the other travels in it. Version 1; integers big-endian.
//
//   header   u8 version, u8 flags, u16 sender's index, u32 sender's incarnation, f64 sequence, f64 base, u32 receiver,
//            f64 answered
//            `base` is the lowest sequence that was not answered when this was sent: a receiver that knows nothing of
//            the sender (it was reset) begins there. `receiver` is the incarnation that the sender takes the receiver
//            to have, 0 if it knows none: any other applies nothing and answers "reset". `answered` is the last batch of
//            the stream the other way that was done, as an answer that travels along; 0: none, or told already.
//   entry    u8 type, then
//     1 publish         session -> topic   u32 number, f64 publisher, f64 expiresAt, u32 length, packet
//     2 route request   session -> topic   u32 length, JSON RouteRequest
//     3 retained        session -> topic   u32 length, JSON RetainedRequest
//     4 once            session -> topic   f64 sequence, then as publish
//     16 message        topic -> session   f64 publisher, f64 expiresAt, u32 length, packet
//     17 retained       topic -> session   f64 session, u16 length, filter, f64 expiresAt, u32 length, packet
//     18 routed         topic -> session   u32 first number, u32 count, u8 reason code
//     19 route stored   topic -> session   u32 request, u8 accepted
//     20 retained page  topic -> session   u32 length, JSON RetainedPage
//     21 own message    topic -> session   u32 number, f64 publisher, f64 expiresAt, u32 length, packet
//     22 once           topic -> session   u16 origin, f64 sequence, then as message
//
// A packet is a normalised MQTT 5.0 PUBLISH. `publisher` is the uid of the session it came from, 0 for the API.
// `number` is 0 when nobody waits for the outcome. `expiresAt` is in epoch milliseconds, 0 for never. An own message is the
// receiver's publish of that number, which no other shard wants: it has its outcome when the receiver has it safe.
// A message that is to come once carries the index of the session shard that took it, its origin, and its sequence there:
// a receiver that has a higher one of that origin by way of this topic shard has had it.

const VERSION = 1;
const HEADER_BYTES = 36;
const FLAG_WRITE_AT_ONCE = 1;
const INITIAL_BYTES = 512;

const PUBLISH = 1;
const ROUTE_REQUEST = 2;
const RETAINED_REQUEST = 3;
const PUBLISH_ONCE = 4;
const MESSAGE = 16;
const RETAINED = 17;
const ROUTED = 18;
const ROUTE_STORED = 19;
const RETAINED_PAGE = 20;
const OWN_MESSAGE = 21;
const MESSAGE_ONCE = 22;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface EnvelopeHeader {
  sender: number;
  incarnation: number;
  sequence: number;
  base: number;
  /** Incarnation of the receiver that this is meant for; 0: any. */
  receiver: number;
  /** All batches of the receiver's own stream to the sender up to this one are done; 0: nothing is said of them. */
  answered: number;
  /** This call is the last that may be outstanding: the receiver writes instead of waiting for acknowledgements. */
  writeAtOnce: boolean;
}

/** What a session shard asks of a topic shard about one filter: desired state, numbered, so that old news are known. */
export interface RouteRequest {
  /** Names the request in its answer. */
  request: number;
  /** A filter, whose messages are wanted, or a claim to have one exclusively, which is refused while another shard has it. */
  filter: string;
  /** Grows with each change that this session shard makes to any route. */
  number: number;
  wanted: boolean;
  /** Session that shall get the matching retained messages; null: none are wanted. */
  retainedFor: number | null;
  /** How many of them it takes at once. */
  retainedLimit: number;
}

/** Asks for the next retained messages of a subscription, of which not all could be taken at once. */
export interface RetainedRequest {
  session: number;
  filter: string;
  /** Those behind this topic. */
  after: string;
  /** As many as the session takes now; 0: it wants no more, ever. */
  limit: number;
}

/** Stands behind retained messages when others are still to come, and behind the last of those. */
export interface RetainedPage {
  session: number;
  filter: string;
  /** Topic behind which it begins, as it was asked for; "" for the first. */
  from: string;
  /** Topic up to which they are sent. */
  after: string;
  more: boolean;
}

/** Names a message that is to come once. */
export interface Origin {
  /** Index of the session shard that took it. */
  readonly shard: number;
  /** Grows with each that it takes. */
  readonly sequence: number;
}

/** Entries of one batch, in their order. Views into the envelope: copy what outlives the call. */
export interface EntryVisitor {
  publish?(number: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  routeRequest?(request: RouteRequest): void;
  retainedRequest?(request: RetainedRequest): void;
  message?(publisher: number, expiresAt: number, packet: Uint8Array): void;
  retained?(session: number, filter: string, expiresAt: number, packet: Uint8Array): void;
  routed?(first: number, count: number, reasonCode: number): void;
  routeStored?(request: number, accepted: boolean): void;
  retainedPage?(page: RetainedPage): void;
  ownMessage?(number: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  publishOnce?(sequence: number, number: number, publisher: number, expiresAt: number, packet: Uint8Array): void;
  messageOnce?(origin: Origin, publisher: number, expiresAt: number, packet: Uint8Array): void;
}

/** Collects the entries of one batch. */
export class EnvelopeWriter {
  /** Entries so far. */
  entries = 0;
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = HEADER_BYTES;

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
    let at = this.#begin(RETAINED, 22 + name.length + packet.length);
    this.#view.setFloat64(at, session);
    this.#view.setUint16(at + 8, name.length);
    this.#bytes.set(name, at + 10);
    at += 10 + name.length;
    this.#view.setFloat64(at, expiresAt);
    this.#sized(at + 8, packet);
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
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Reads a batch's header. Throws a RangeError for another version or a cut batch: a bug or a foreign release. */
export function readHeader(envelope: Uint8Array): EnvelopeHeader {
  const view = viewOf(envelope);
  if (view.getUint8(0) !== VERSION) throw new RangeError("envelope: unknown version");
  return {
    sender: view.getUint16(2),
    incarnation: view.getUint32(4),
    sequence: view.getFloat64(8),
    base: view.getFloat64(16),
    receiver: view.getUint32(24),
    answered: view.getFloat64(28),
    writeAtOnce: (view.getUint8(1) & FLAG_WRITE_AT_ONCE) !== 0,
  };
}

/** Visits a batch's entries in order. Throws a RangeError for an unknown or cut entry. */
export function visitEntries(envelope: Uint8Array, visitor: EntryVisitor): void {
  const view = viewOf(envelope);
  const sized = (at: number) => envelope.subarray(at + 4, at + 4 + view.getUint32(at));
  let at = HEADER_BYTES;
  while (at < envelope.length) {
    const type = view.getUint8(at);
    at += 1;
    switch (type) {
      case PUBLISH:
      case OWN_MESSAGE: {
        const packet = sized(at + 20);
        const [number, publisher, expiresAt] = [view.getUint32(at), view.getFloat64(at + 4), view.getFloat64(at + 12)];
        if (type === PUBLISH) visitor.publish?.(number, publisher, expiresAt, packet);
        else visitor.ownMessage?.(number, publisher, expiresAt, packet);
        at += 24 + packet.length;
        break;
      }
      case PUBLISH_ONCE: {
        const packet = sized(at + 28);
        const [sequence, number] = [view.getFloat64(at), view.getUint32(at + 8)];
        visitor.publishOnce?.(sequence, number, view.getFloat64(at + 12), view.getFloat64(at + 20), packet);
        at += 32 + packet.length;
        break;
      }
      case MESSAGE_ONCE: {
        const packet = sized(at + 26);
        const origin = { shard: view.getUint16(at), sequence: view.getFloat64(at + 2) };
        visitor.messageOnce?.(origin, view.getFloat64(at + 10), view.getFloat64(at + 18), packet);
        at += 30 + packet.length;
        break;
      }
      case ROUTE_REQUEST: {
        const json = sized(at);
        visitor.routeRequest?.(JSON.parse(decoder.decode(json)) as RouteRequest);
        at += 4 + json.length;
        break;
      }
      case RETAINED_REQUEST: {
        const json = sized(at);
        visitor.retainedRequest?.(JSON.parse(decoder.decode(json)) as RetainedRequest);
        at += 4 + json.length;
        break;
      }
      case RETAINED_PAGE: {
        const json = sized(at);
        visitor.retainedPage?.(JSON.parse(decoder.decode(json)) as RetainedPage);
        at += 4 + json.length;
        break;
      }
      case MESSAGE: {
        const packet = sized(at + 16);
        visitor.message?.(view.getFloat64(at), view.getFloat64(at + 8), packet);
        at += 20 + packet.length;
        break;
      }
      case RETAINED: {
        const filterEnd = at + 10 + view.getUint16(at + 8);
        const filter = decoder.decode(envelope.subarray(at + 10, filterEnd));
        const packet = sized(filterEnd + 8);
        visitor.retained?.(view.getFloat64(at), filter, view.getFloat64(filterEnd), packet);
        at = filterEnd + 12 + packet.length;
        break;
      }
      case ROUTED:
        visitor.routed?.(view.getUint32(at), view.getUint32(at + 4), view.getUint8(at + 8));
        at += 9;
        break;
      case ROUTE_STORED:
        visitor.routeStored?.(view.getUint32(at), view.getUint8(at + 4) === 1);
        at += 5;
        break;
      default:
        throw new RangeError(`envelope: unknown entry ${type}`);
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
