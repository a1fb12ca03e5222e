// What a process writes, to either stream, and the wait for something in it.

import type { ChildProcess } from "node:child_process";

export class Output {
  #text = "";
  #watching = new Set<() => void>();

  /** Listens to the process from now on. */
  constructor(child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => this.#add(chunk));
  }

  text(): string {
    return this.#text;
  }

  async until(fits: (text: string) => boolean): Promise<void> {
    if (fits(this.#text)) return;
    await new Promise<void>((resolve) => {
      const watch = () => {
        if (!fits(this.#text)) return;
        this.#watching.delete(watch);
        resolve();
      };
      this.#watching.add(watch);
    });
  }

  #add(chunk: Buffer): void {
    this.#text += chunk.toString();
    for (const watch of this.#watching) watch();
  }
}
