// Where client ids and topics live: each hashes to one of 1,024 slots, and slots map to shards. A topic's slot is made
// from its first two levels, so a filter with a wildcard in those levels has no slot of its own: it stands everywhere.

export const SLOTS = 1_024;
/** The slot of filters that stand in every topic shard. */
export const EVERYWHERE = -1;

export function slotOfClientId(clientId: string): number {
  return hashOf(clientId) % SLOTS;
}

/** Slot of a topic name, from its first two levels. */
export function slotOfTopic(topic: string): number {
  return hashOf(firstTwoLevels(topic)) % SLOTS;
}

/** Slot of a topic filter (without `$share/{group}/`), or EVERYWHERE. */
export function slotOfFilter(filter: string): number {
  const head = firstTwoLevels(filter);
  for (const level of head.split("/")) {
    if (level === "+" || level === "#") return EVERYWHERE;
  }
  return hashOf(head) % SLOTS;
}

function firstTwoLevels(topic: string): string {
  const first = topic.indexOf("/");
  if (first < 0) return topic;
  const second = topic.indexOf("/", first + 1);
  return second < 0 ? topic : topic.slice(0, second);
}

/** FNV-1a over UTF-16 code units, with a final mix: fast, spread evenly, the same in every release. 32 bits. */
export function hashOf(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  return value >>> 0;
}
