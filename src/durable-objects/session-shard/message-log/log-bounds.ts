// The bounds of the message log. They say how it is laid out from now on, and not how it is read.

const KIB = 1_024;

export interface LogBounds {
  /** Bytes of messages, and of entries, from which on another row is begun; one message may be longer. */
  readonly rowMessageBytes: number;
  readonly rowEntryBytes: number;
  /** Messages of a row. */
  readonly rowMessages: number;
  /** Bytes up to which what the next event does is added to the last row: a row of the tables' pages costs as much whether it
   *  is a new one or not, and rows that are fewer take fewer to delete. */
  readonly grownBytes: number;
  /** Recipients that are written at a time. */
  readonly recipients: number;
  /** Bytes, and entries that are gone, that may wait in one event before they are written. */
  readonly waitingBytes: number;
  readonly waitingRemovals: number;
  /** Rows and bytes of entries of the log's tail, from which on it is laid down: whoever wakes reads it. */
  readonly tailRows: number;
  readonly tailBytes: number;
  /** Bytes from which on another block of the index is begun: a session is found by reading a few of them. */
  readonly blockBytes: number;
  /** Bytes of blocks in memory. */
  readonly blockCacheBytes: number;
  /** Entries from which on a pile of runs is parted in two. */
  readonly pileEntries: number;
  /** Entries of piles that are merged deep in one event; a merge that has begun is finished. */
  readonly mergeEntries: number;
  /** Entries of sessions' lists in memory: so many that all sessions in memory may have a stretch there; and of a stretch, at
   *  least: the list is read again behind it. */
  readonly listEntries: number;
  readonly stretchEntries: number;
  /** Messages in memory whose entries are counted and could be read again; and messages of which it is noted how their
   *  entries have changed, from which on the tail is laid down. */
  readonly referenceMessages: number;
  readonly notedMessages: number;
  /** Of a row that is smaller, what nobody needs stays until all of it goes. */
  readonly sparseBytes: number;
  /** Rows that are written anew at a time without what nobody needs, as soon as there are so many. */
  readonly sparseRows: number;
}

export const logBounds: LogBounds = {
  rowMessageBytes: 256 * KIB,
  rowEntryBytes: 256 * KIB,
  rowMessages: 4_096,
  grownBytes: 4 * KIB,
  recipients: 8_192,
  waitingBytes: 1_024 * KIB,
  waitingRemovals: 16_384,
  tailRows: 64,
  tailBytes: 256 * KIB,
  blockBytes: 128 * KIB,
  blockCacheBytes: 2 * 1_024 * KIB,
  pileEntries: 65_536,
  mergeEntries: 32_768,
  listEntries: 131_072,
  stretchEntries: 16,
  referenceMessages: 65_536,
  notedMessages: 65_536,
  sparseBytes: KIB,
  sparseRows: 64,
};
