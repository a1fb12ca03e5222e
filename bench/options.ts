// Options of the benchmarks: numbers and flags, with a usage line for whatever is not as it should be.

import { parseArgs } from "node:util";
import { z } from "zod";

const SHARDS_MAX = 1_024;

export const positive = z.coerce.number().positive();
export const notNegative = z.coerce.number().min(0);
export const count = z.coerce.number().int().min(1);
export const shards = count.max(SHARDS_MAX);
export const flag = z.boolean();

/** Reads what `shape` names from the command line. Prints `usage` and ends the process if that is not possible. */
export function readOptions<Shape extends Record<string, z.ZodType>>(
  usage: string,
  shape: Shape,
): z.output<z.ZodObject<Shape>> {
  const options = Object.fromEntries(
    Object.entries(shape).map(([name, type]) => {
      const isFlag = type.safeParse(true).success && !type.safeParse("1").success;
      return [name, { type: isFlag ? ("boolean" as const) : ("string" as const) }];
    }),
  );
  try {
    return z.object(shape).parse(parseArgs({ options }).values);
  } catch {
    console.error(usage);
    process.exit(1);
  }
}
