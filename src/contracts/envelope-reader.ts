// Reads the batches between shards (envelope.ts).

import type { EnvelopeHeader, RouteRequest, RetainedRequest, RetainedPage, EntryVisitor } from "./envelope.ts";
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

const decoder = new TextDecoder();

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
  const named = (at: number, end: number) => decoder.decode(envelope.subarray(at + 2, end));
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
      case SHARED: {
        const end = at + 14 + view.getUint16(at + 12);
        const packet = sized(end + 24);
        const member = { uid: view.getFloat64(at), share: named(at + 12, end), turn: view.getUint32(at + 8) };
        visitor.shared?.(member, view.getFloat64(end), view.getFloat64(end + 8), view.getFloat64(end + 16), packet);
        at = end + 28 + packet.length;
        break;
      }
      case RETURNED: {
        const end = at + 10 + view.getUint16(at + 8);
        const packet = sized(end + 20);
        const [sequence, number] = [view.getFloat64(at), view.getUint32(end)];
        const [publisher, expiresAt] = [view.getFloat64(end + 4), view.getFloat64(end + 12)];
        visitor.returned?.(sequence, named(at + 8, end), number, publisher, expiresAt, packet);
        at = end + 24 + packet.length;
        break;
      }
      case LOAD:
        visitor.load?.(view.getFloat64(at), view.getUint32(at + 8), view.getUint32(at + 12));
        at += 16;
        break;
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
        const filter = named(at + 8, filterEnd);
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
