// Options as a command line gives them.

import type { CapacityOptions } from "../../../scripts/capacity/options.ts";
import { readCapacityOptions } from "../../../scripts/capacity/options.ts";

export function optionsOf(line: string): CapacityOptions {
  const options = readCapacityOptions(line.split(" ").filter((word) => word !== ""));
  if (options === "help") throw new TypeError("only help was asked for");
  return options;
}
