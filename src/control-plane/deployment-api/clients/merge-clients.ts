// One list of clients from several shards, each of which lists its own in the order of client ids.

import { compareKeys } from "../../../broker/compare-keys.ts";
import type { ClientInfo } from "../../../contracts/rpc.ts";

/** Most that a shard is asked for at a time. */
const CHUNK = 1_000;
/** What a shard is asked for beyond its share, since client ids are not spread quite evenly. */
const SPARE = 16;

/** Up to `limit` clients behind `after`, in the order of client ids, and how many there are in all. */
export type ClientSource = (after: string, limit: number) => Promise<{ clients: ClientInfo[]; count: number }>;

interface Reader {
  source: ClientSource;
  clients: ClientInfo[];
  at: number;
  after: string;
  ended: boolean;
}

/** The `limit` clients behind the first `skip` of all sources together, and the sum of their counts. */
export async function mergeClients(
  sources: readonly ClientSource[],
  skip: number,
  limit: number,
): Promise<{ clients: ClientInfo[]; count: number }> {
  const readers = sources.map((source): Reader => ({ source, clients: [], at: 0, after: "", ended: false }));
  const end = skip + limit;
  const clients: ClientInfo[] = [];
  let seen = 0;
  const counts = await fill(readers, end);
  while (seen < end) {
    const drained = readers.filter(({ at, clients: held, ended }) => !ended && at >= held.length);
    if (drained.length > 0) await fill(drained, end - seen);
    const reader = lowest(readers);
    const client = reader?.clients[reader.at];
    if (reader === null || client === undefined) break;
    reader.at += 1;
    seen += 1;
    if (seen > skip) clients.push(client);
  }
  return { clients, count: counts.reduce((sum, count) => sum + count, 0) };
}

/** Fetches each reader's next chunk; returns their counts. */
function fill(readers: readonly Reader[], wanted: number): Promise<number[]> {
  const size = Math.min(CHUNK, wanted, Math.ceil((1.5 * wanted) / Math.max(1, readers.length)) + SPARE);
  return Promise.all(
    readers.map(async (reader) => {
      const { clients, count } = await reader.source(reader.after, size);
      reader.clients = clients;
      reader.at = 0;
      reader.after = clients.at(-1)?.clientId ?? reader.after;
      reader.ended = clients.length < size;
      return count;
    }),
  );
}

function lowest(readers: readonly Reader[]): Reader | null {
  let best: Reader | null = null;
  let bestId = "";
  for (const reader of readers) {
    const id = reader.clients[reader.at]?.clientId;
    if (id !== undefined && (best === null || compareKeys(id, bestId) < 0)) {
      best = reader;
      bestId = id;
    }
  }
  return best;
}
