// What devices of an exchange send and get, one behind the other in a frame: as large as packets of MQTT, with as many
// legs, and nothing in them but a type and, in messages, the numbers of sender and taker.

export const items = {
  /** A device says its number. */
  hello: 1,
  /** A message that is complete with one answer, as at QoS 1. */
  message: 2,
  /** A message of four legs on each side, as at QoS 2. */
  once: 3,
  received: 4,
  release: 5,
  complete: 6,
} as const;

/** A PUBLISH with 64 bytes of payload. */
export const MESSAGE_BYTES = 85;
/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export const ANSWER_BYTES = 4;

/** Of an item of that type, in bytes. */
export function lengthOf(type: number | undefined): number {
  return type === items.message || type === items.once ? MESSAGE_BYTES : ANSWER_BYTES;
}
