// One row of an answer that has one at most.

/** The first row, or undefined. Reads to the end: a cursor that is left open stays so until the garbage is collected, and
 *  slows every statement meanwhile. */
export function firstRow<Row extends Record<string, SqlStorageValue>>(cursor: SqlStorageCursor<Row>): Row | undefined {
  return cursor.toArray()[0];
}
