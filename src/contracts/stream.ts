// The way of a stream's batches to another object: a WebSocket, opened by a GET with `Upgrade: websocket` on STREAM_URL,
// for as long as there is something to say. A call of its own for each batch costs seven times as much. Version 1.
//
//   binary, sender -> receiver   an envelope (envelope.ts)
//   binary, receiver -> sender   u8 version, u8 status, u32 receiver's incarnation, f64 sequence that is answered,
//                                f64 sequence expected (of a gap)

import type { DeliverReply } from "./rpc.ts";

export const STREAM_URL = "https://shard/stream";

const VERSION = 1;
const REPLY_BYTES = 22;
const statuses = ["done", "gap", "stale", "not_provisioned", "reset"] as const;

/** The answer to batch `sequence` as bytes. */
export function writeReply(sequence: number, reply: DeliverReply): Uint8Array {
  const bytes = new Uint8Array(REPLY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, statuses.indexOf(reply.status));
  view.setUint32(2, reply.incarnation);
  view.setFloat64(6, sequence);
  view.setFloat64(14, reply.status === "gap" ? reply.expected : 0);
  return bytes;
}

/** Throws a RangeError for another version or an unknown status. */
export function readReply(bytes: Uint8Array): { sequence: number; reply: DeliverReply } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const status = statuses[view.getUint8(1)];
  if (view.getUint8(0) !== VERSION || status === undefined) throw new RangeError("stream: unknown answer");
  const incarnation = view.getUint32(2);
  const sequence = view.getFloat64(6);
  const reply: DeliverReply =
    status === "gap" ? { status, incarnation, expected: view.getFloat64(14) } : { status, incarnation };
  return { sequence, reply };
}
