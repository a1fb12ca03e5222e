// What a link's socket carries: it is read as it was written, within what the platform lets a socket carry, and as the
// release before wrote it.

import { serialize } from "node:v8";
import { expect, it } from "vitest";
import type { Attach } from "../../../src/contracts/link.ts";
import { limits } from "../../../src/broker/limits.ts";
import type { LinkAttachment } from "../../../src/durable-objects/session-shard/link-attachment.ts";
import {
  fixedOf,
  readAttachment,
  writeAttachment,
} from "../../../src/durable-objects/session-shard/link-attachment.ts";

const PLATFORM_BYTES = 16_384;
const HANDSHAKE_BYTES = 8_192;

function attachment(name: string, handshakes?: Uint8Array): LinkAttachment {
  const attach: Attach = {
    v: 1,
    clientId: name,
    protocolVersion: 5,
    cleanStart: true,
    sessionExpiryInterval: 0,
    keepAliveSeconds: 60,
    receiveMaximum: 65_535,
    maximumPacketSize: 268_435_455,
    requestProblemInformation: true,
    username: name,
    isSuperuser: false,
    peerAddress: "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    configVersion: 1,
    principalRevision: 1,
  };
  const [uid, at] = [2 ** 52 - 1, 1_796_000_000_000];
  return { uid, attach, connectedAt: at, createdAt: at, stored: false, sentUpTo: 5, cursor: 7, handshakes };
}

it.each([
  ["plain", "sensor-1"],
  ["beyond Latin-1", "\u20ac".repeat(limits.clientIdBytes / 3)],
  ["of control characters and one beyond Latin-1", `${"\u0001".repeat(limits.clientIdBytes - 3)}\u20ac`],
])("with a name %s it is read as it was written, and is not too large for a socket", (_what, name) => {
  const before = attachment(name, new Uint8Array(HANDSHAKE_BYTES));
  const written = writeAttachment(fixedOf(before), before);
  expect(serialize(written).length).toBeLessThan(PLATFORM_BYTES);
  expect(readAttachment(structuredClone(written))).toEqual(before);
});

it("version 1 is read, and a link that was ended is none", () => {
  const { cursor: _, handshakes: __, ...rest } = attachment("c");
  const read = readAttachment({ v: 1, ...rest });
  expect(read).toEqual({ ...rest, cursor: undefined, handshakes: undefined });
  expect(readAttachment(null)).toBeNull();
});
