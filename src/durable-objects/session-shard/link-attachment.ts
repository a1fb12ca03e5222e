// What a link's socket carries, so that it outlives the object's memory: written whenever more was sent or a handshake
// went on, so what never changes of it is one string, made once.

import type { Attach } from "../../contracts/link.ts";

export interface LinkAttachment {
  readonly uid: number;
  readonly attach: Attach;
  /** Epoch milliseconds. */
  readonly connectedAt: number;
  readonly createdAt: number;
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

/** What never changes: what the client chose, as it is, since JSON makes six characters of some of its own; JSON. */
export type Fixed = readonly [clientId: string, username: string | null, rest: string];

/** In the socket, version 2. */
type Written = readonly [
  version: number,
  ...fixed: Fixed,
  stored: boolean,
  sentUpTo: number,
  cursor: number | undefined,
  handshakes: Uint8Array | undefined,
];

/** Version 1. */
type Written1 = Omit<LinkAttachment, "cursor" | "handshakes"> &
  Partial<Pick<LinkAttachment, "cursor" | "handshakes">> & { readonly v: 1 };

interface Rest extends Pick<LinkAttachment, "uid" | "connectedAt" | "createdAt"> {
  attach: Omit<Attach, "clientId" | "username">;
}

/** What never changes of an attachment, to be given to `writeAttachment`. */
export function fixedOf({ uid, attach, connectedAt, createdAt }: LinkAttachment): Fixed {
  const { clientId, username, ...others } = attach;
  const rest: Rest = { uid, attach: others, connectedAt, createdAt };
  return [clientId, username, JSON.stringify(rest)];
}

/** For the socket. */
export function writeAttachment(
  [clientId, username, rest]: Fixed,
  { stored, sentUpTo, cursor, handshakes }: LinkAttachment,
): Written {
  return [VERSION, clientId, username, rest, stored, sentUpTo, cursor, handshakes];
}

/** Of a socket; null: its link was ended. */
export function readAttachment(written: Written | Written1 | null): LinkAttachment | null {
  if (written === null) return null;
  if ("v" in written) {
    const { v: _, cursor, handshakes, ...attachment } = written;
    return { ...attachment, cursor, handshakes };
  }
  const [, clientId, username, rest, stored, sentUpTo, cursor, handshakes] = written;
  const { uid, attach, connectedAt, createdAt } = JSON.parse(rest) as Rest;
  return {
    uid,
    attach: { ...attach, clientId, username },
    connectedAt,
    createdAt,
    stored,
    sentUpTo,
    cursor,
    handshakes,
  };
}
