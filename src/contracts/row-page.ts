// Rows of an object's tables as bytes, to be carried to another object and stored there: what moves with slots. Version 1;
// integers big-endian.
//
//   page     u8 version, then tables
//   table    u8 length, name; u16 columns, each u8 length, name; u32 rows, each a value for each column
//   value    u8 type: 0 null, 1 f64, 2 u32 length and UTF-8, 3 u32 length and bytes

const VERSION = 1;
const NULL = 0;
const NUMBER = 1;
const TEXT = 2;
const BYTES = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export type RowValue = ArrayBuffer | string | number | null;
export type Row = Readonly<Record<string, RowValue>>;

/** Rows of one table; all have the columns of the first. */
export interface TableRows {
  readonly table: string;
  readonly rows: readonly Row[];
}

/** What a row takes in a page, bytes, about. */
export function rowBytes(row: Row): number {
  let bytes = 0;
  for (const value of Object.values(row)) {
    bytes += 9;
    if (typeof value === "string") bytes += value.length;
    else if (value instanceof ArrayBuffer) bytes += value.byteLength;
  }
  return bytes;
}

export function writeRowPage(tables: readonly TableRows[]): Uint8Array {
  const writer = new PageWriter();
  writer.byte(VERSION);
  for (const { table, rows } of tables) {
    const [first] = rows;
    if (first === undefined) continue;
    const columns = Object.keys(first);
    writer.name(table);
    writer.short(columns.length);
    for (const column of columns) writer.name(column);
    writer.long(rows.length);
    for (const row of rows) for (const column of columns) writer.value(row[column] ?? null);
  }
  return writer.bytes;
}

/** Throws a RangeError for a page of another version or one that is cut off. */
export function readRowPage(page: Uint8Array): TableRows[] {
  const reader = new PageReader(page);
  if (reader.byte() !== VERSION) throw new RangeError("row page: unknown version");
  const tables: TableRows[] = [];
  while (!reader.atEnd) {
    const table = reader.name();
    const columns = Array.from({ length: reader.short() }, () => reader.name());
    const rows = Array.from({ length: reader.long() }, () =>
      Object.fromEntries(columns.map((column) => [column, reader.value()] as const)),
    );
    tables.push({ table, rows });
  }
  return tables;
}

class PageWriter {
  #bytes = new Uint8Array(1_024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  byte(value: number): void {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
  }

  short(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value);
  }

  long(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value);
  }

  name(text: string): void {
    const bytes = encoder.encode(text);
    this.byte(bytes.length);
    this.#put(bytes);
  }

  value(value: RowValue): void {
    if (value === null) this.byte(NULL);
    else if (typeof value === "number") {
      this.byte(NUMBER);
      const at = this.#take(8);
      this.#view.setFloat64(at, value);
    } else {
      this.byte(typeof value === "string" ? TEXT : BYTES);
      const bytes = typeof value === "string" ? encoder.encode(value) : new Uint8Array(value);
      this.long(bytes.length);
      this.#put(bytes);
    }
  }

  #put(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      bytes.set(this.#bytes.subarray(0, at));
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}

class PageReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  short(): number {
    return this.#view.getUint16(this.#take(2));
  }

  long(): number {
    return this.#view.getUint32(this.#take(4));
  }

  name(): string {
    return decoder.decode(this.#part(this.byte()));
  }

  value(): RowValue {
    switch (this.byte()) {
      case NULL:
        return null;
      case NUMBER:
        return this.#view.getFloat64(this.#take(8));
      case TEXT:
        return decoder.decode(this.#part(this.long()));
      case BYTES:
        return this.#part(this.long()).slice().buffer as ArrayBuffer;
      default:
        throw new RangeError("row page: unknown type of value");
    }
  }

  #part(length: number): Uint8Array {
    const at = this.#take(length);
    if (this.#at > this.#bytes.length) throw new RangeError("row page: cut off");
    return this.#bytes.subarray(at, this.#at);
  }

  #take(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}
