// Topic bytes to strings on the path of every message: topics repeat, so a small table of the latest ones spares the
// decoding, and gives back the same string, whose hash is known already.

const ENTRIES = 1_024;
const CACHED_BYTES_MAX = 256;
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

interface Entry {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const table: (Entry | undefined)[] = Array.from({ length: ENTRIES });

/** The string of `bytes[from..end)` if it was remembered, else null. */
export function recallTopic(bytes: Uint8Array, from: number, end: number): string | null {
  if (end - from > CACHED_BYTES_MAX) return null;
  const entry = table[placeOf(bytes, from, end)];
  if (entry === undefined || entry.bytes.length !== end - from) return null;
  for (let i = from; i < end; i++) if (entry.bytes[i - from] !== bytes[i]) return null;
  return entry.text;
}

/** Remembers a topic that was checked. */
export function rememberTopic(bytes: Uint8Array, from: number, end: number, text: string): void {
  if (end - from > CACHED_BYTES_MAX) return;
  table[placeOf(bytes, from, end)] = { bytes: bytes.slice(from, end), text };
}

/** The string of bytes that are known to be UTF-8. */
export function trustedTopic(bytes: Uint8Array, from: number, end: number): string {
  const recalled = recallTopic(bytes, from, end);
  if (recalled !== null) return recalled;
  const text = decoder.decode(bytes.subarray(from, end));
  rememberTopic(bytes, from, end, text);
  return text;
}

function placeOf(bytes: Uint8Array, from: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return (hash >>> 0) % ENTRIES;
}
