// What a link's socket carries, so that it outlives the object's memory: written whenever more was sent or a handshake
// went on, so what never changes of it is one string, made once.

import type { Attach } from "../../contracts/link.ts";

/** What is known of a link from the attach on, and for good. */
interface Fixed {
  uid: number;
  attach: Attach;
  /** Epoch milliseconds. */
  connectedAt: number;
  createdAt: number;
}

export interface LinkAttachment extends Readonly<Fixed> {
  /** The session has a row. */
  stored: boolean;
  sentUpTo: number;
  /** Last message sent over this connection; undefined: as sentUpTo. */
  cursor: number | undefined;
  /** Handshakes of QoS 2 of a session that ends with its connection; undefined: its row has them, or there are none. */
  handshakes: Uint8Array | undefined;
}

/** A release reads what the last one wrote. */
const VERSION = 2;

export type WrittenAttachment = readonly [
  version: typeof VERSION,
  fixed: string,
  stored: boolean,
  sentUpTo: number,
  cursor: number | undefined,
  handshakes: Uint8Array | undefined,
];

/** As version 1, an object, had it. */
type Version1 = Fixed & { v: 1; stored: boolean; sentUpTo: number; cursor?: number; handshakes?: Uint8Array };

/** What never changes of an attachment, to be given to `writeAttachment`. */
export function fixedOf({ uid, attach, connectedAt, createdAt }: LinkAttachment): string {
  return JSON.stringify({ uid, attach, connectedAt, createdAt } satisfies Fixed);
}

/** For the socket. */
export function writeAttachment(
  fixed: string,
  { stored, sentUpTo, cursor, handshakes }: LinkAttachment,
): WrittenAttachment {
  return [VERSION, fixed, stored, sentUpTo, cursor, handshakes];
}

/** Of a socket; null: its link was ended. */
export function readAttachment(written: WrittenAttachment | Version1 | null): LinkAttachment | null {
  if (written === null) return null;
  if ("v" in written) {
    const { uid, attach, connectedAt, createdAt, stored, sentUpTo, cursor, handshakes } = written;
    return { uid, attach, connectedAt, createdAt, stored, sentUpTo, cursor, handshakes };
  }
  const [, fixed, stored, sentUpTo, cursor, handshakes] = written;
  return { ...(JSON.parse(fixed) as Fixed), stored, sentUpTo, cursor, handshakes };
}
