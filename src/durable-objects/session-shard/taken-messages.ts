// Messages that this shard has taken, as they stand in a row of the outbox, one behind the other:
//
//   f64 publisher, f64 expiresAt, u32 length, packet; where the highest bit of the length is set, u16 length and the name of
//   the share that it goes back to stand before the packet

/** What a message takes beside its packet. */
export const MESSAGE_HEAD_BYTES = 20;
const GOES_BACK = 0x8000_0000;
const NO_SHARE = new Uint8Array();

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface TakenMessage {
  /** Its place among all that this shard has taken. */
  readonly sequence: number;
  /** As publisherOf has it; 0: no client. */
  readonly publisher: number;
  readonly expiresAt: number;
  readonly packet: Uint8Array;
  /** The share to whose group it goes back; "": it goes to all who subscribe. */
  readonly share: string;
}

/** The bytes of a row. */
export function writeMessages(messages: readonly Omit<TakenMessage, "sequence">[]): Uint8Array {
  const shares = messages.map(({ share }) => (share === "" ? NO_SHARE : encoder.encode(share)));
  const bytes = new Uint8Array(messages.reduce((sum, { packet }, i) => sum + sizeOf(packet, shares[i]), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  messages.forEach(({ publisher, expiresAt, packet }, i) => {
    const share = shares[i] ?? NO_SHARE;
    view.setFloat64(at, publisher);
    view.setFloat64(at + 8, expiresAt);
    view.setUint32(at + 16, share.length > 0 ? packet.length + GOES_BACK : packet.length);
    at += MESSAGE_HEAD_BYTES;
    if (share.length > 0) {
      view.setUint16(at, share.length);
      bytes.set(share, at + 2);
      at += 2 + share.length;
    }
    bytes.set(packet, at);
    at += packet.length;
  });
  return bytes;
}

/** The messages of a row, as views of it, of which the first has sequence `first`. */
export function readMessages(bytes: Uint8Array, first: number): TakenMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: TakenMessage[] = [];
  let at = 0;
  while (at < bytes.length) {
    const [publisher, expiresAt, length] = [view.getFloat64(at), view.getFloat64(at + 8), view.getUint32(at + 16)];
    at += MESSAGE_HEAD_BYTES;
    let share = "";
    if (length >= GOES_BACK) {
      const end = at + 2 + view.getUint16(at);
      share = decoder.decode(bytes.subarray(at + 2, end));
      at = end;
    }
    const packet = bytes.subarray(at, at + (length % GOES_BACK));
    messages.push({ sequence: first + messages.length, publisher, expiresAt, packet, share });
    at += packet.length;
  }
  return messages;
}

function sizeOf(packet: Uint8Array, share: Uint8Array = NO_SHARE): number {
  return MESSAGE_HEAD_BYTES + (share.length > 0 ? 2 + share.length : 0) + packet.length;
}
