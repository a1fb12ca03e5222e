// What of QoS 2 a session must not forget, section 4.3.3 of MQTT 5.0, as bytes for the store: packet ids alone, so that
// however many messages are under way, one small row holds it. Version 1; integers big-endian.
//
//   u8 version, u16 count of the ids that await release, those ids, the ids that are released

const VERSION = 1;

export interface Handshakes {
  /** Of messages that were taken from the client and not released by it. */
  readonly awaitingRelease: readonly number[];
  /** Of messages that the client has and that were released to it, in the order of its PUBRECs. */
  readonly released: readonly number[];
}

export const noHandshakes: Handshakes = { awaitingRelease: [], released: [] };

/** Null: there is nothing to remember. */
export function writeHandshakes({ awaitingRelease, released }: Handshakes): Uint8Array | null {
  if (awaitingRelease.length + released.length === 0) return null;
  const bytes = new Uint8Array(3 + 2 * (awaitingRelease.length + released.length));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint16(1, awaitingRelease.length);
  let at = 3;
  for (const id of [...awaitingRelease, ...released]) {
    view.setUint16(at, id);
    at += 2;
  }
  return bytes;
}

/** Throws a RangeError for another version or cut bytes. */
export function readHandshakes(bytes: Uint8Array | null): Handshakes {
  if (bytes === null || bytes.length === 0) return noHandshakes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== VERSION) throw new RangeError("handshakes: unknown version");
  const ids: number[] = [];
  for (let at = 3; at < bytes.length; at += 2) ids.push(view.getUint16(at));
  const awaiting = view.getUint16(1);
  if (awaiting > ids.length) throw new RangeError("handshakes: cut short");
  return { awaitingRelease: ids.slice(0, awaiting), released: ids.slice(awaiting) };
}
