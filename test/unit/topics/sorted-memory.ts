// Sorted keys in memory, in the order of their UTF-8 bytes as a database has them.

import type { SortedKeys } from "../../../src/broker/topics/sorted-keys.ts";

export class SortedMemory implements SortedKeys {
  #keys: Buffer[] = [];
  seeks = 0;

  add(key: string): void {
    this.delete(key);
    this.#keys.push(Buffer.from(key));
    this.#keys.sort(Buffer.compare);
  }

  delete(key: string): void {
    const bytes = Buffer.from(key);
    this.#keys = this.#keys.filter((each) => !each.equals(bytes));
  }

  firstFrom(_partition: number, from: string): string | null {
    this.seeks += 1;
    const bytes = Buffer.from(from);
    return this.#keys.find((key) => Buffer.compare(key, bytes) >= 0)?.toString() ?? null;
  }
}
