// A broker under load.

import type { Target } from "../client.ts";

export interface Broker {
  readonly name: string;
  readonly target: Target;
  stop(): Promise<void>;
}
