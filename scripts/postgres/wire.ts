// The few pieces of Postgres's wire protocol (version 3) that a server in front of PGlite needs: where a client's
// messages end, and the answers that come before the first query.

/** Longest single message taken from a client, bytes; a longer one ends its connection. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const PROTOCOL_3 = 3;

/** What a client sends before its first message with a type. */
export type Opening = "encryption" | "cancel" | "startup";

/** Cuts a client's byte stream into messages. */
export class FrontendReader {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
  }

  /** The opening message, or null while it is incomplete. Throws for another protocol or an absurd length. */
  takeOpening(): Opening | null {
    if (this.#bytes.length < 8) return null;
    const length = checkedLength(this.#bytes.readInt32BE(0), 8);
    const code = this.#bytes.readInt32BE(4);
    if (this.#bytes.length < length) return null;
    this.#bytes = this.#bytes.subarray(length);
    if (code === SSL_REQUEST || code === GSS_REQUEST) return "encryption";
    if (code === CANCEL_REQUEST) return "cancel";
    if (code >> 16 === PROTOCOL_3) return "startup";
    throw new Error("not the Postgres protocol");
  }

  /** The next whole message with its type and length, or null. Throws for an absurd length. */
  takeMessage(): Buffer | null {
    if (this.#bytes.length < 5) return null;
    const end = 1 + checkedLength(this.#bytes.readInt32BE(1), 4);
    if (this.#bytes.length < end) return null;
    const message = this.#bytes.subarray(0, end);
    this.#bytes = this.#bytes.subarray(end);
    return message;
  }
}

/** Asks for the password as it is: the connection never leaves the machine. */
export const askPassword = messageOf("R", int32(3));

/** All that a client waits for before its first query. */
export function welcome(serverVersion: string): Buffer {
  return Buffer.concat([
    messageOf("R", int32(0)),
    parameter("server_version", serverVersion),
    parameter("server_encoding", "UTF8"),
    parameter("client_encoding", "UTF8"),
    parameter("DateStyle", "ISO, MDY"),
    parameter("TimeZone", "GMT"),
    parameter("integer_datetimes", "on"),
    parameter("standard_conforming_strings", "on"),
    messageOf("K", Buffer.concat([int32(1), int32(1)])),
    messageOf("Z", Buffer.from("I")),
  ]);
}

/** A fatal ErrorResponse. `code` is a SQLSTATE. */
export function fatal(code: string, text: string): Buffer {
  return messageOf("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`));
}

/** Ends whatever a client left open: skips to a Sync, then rolls back. */
export const rollback = Buffer.concat([messageOf("S", Buffer.alloc(0)), messageOf("Q", Buffer.from("ROLLBACK\0"))]);

/** The password of a PasswordMessage. */
export function passwordOf(passwordMessage: Buffer): string {
  return passwordMessage.toString("utf8", 5, passwordMessage.length - 1);
}

/** `busy`: a transaction is open, or no ReadyForQuery ended the answer. */
export function stateAfter(answer: Uint8Array): "idle" | "busy" {
  const at = answer.length - 6;
  return at >= 0 && answer[at] === 0x5a && answer[at + 4] === 5 && answer[at + 5] === 0x49 ? "idle" : "busy";
}

function checkedLength(length: number, lengthMin: number): number {
  if (length < lengthMin || length > MESSAGE_BYTES_MAX) throw new Error("a message of an impossible length");
  return length;
}

function messageOf(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(4 + body.length), body]);
}

function parameter(name: string, value: string): Buffer {
  return messageOf("S", Buffer.from(`${name}\0${value}\0`));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
