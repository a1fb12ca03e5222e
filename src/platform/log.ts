// Logs as one JSON object a line. The only place that writes to the console; fields that name a secret are struck out,
// however deep they are. A log never throws.

type Level = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

export const log = {
  debug: (message: string, fields?: LogFields) => write("debug", message, fields),
  info: (message: string, fields?: LogFields) => write("info", message, fields),
  warn: (message: string, fields?: LogFields) => write("warn", message, fields),
  error: (message: string, fields?: LogFields) => write("error", message, fields),
} as const;

const SECRET = /passw|passphrase|^pass$|secret|token|authorization|cookie|credential|verifier|api_?key|database_?url/i;
const REDACTED = "[redacted]";
/** How deep fields are followed, and how many entries of each; what is beyond is left out. */
const DEPTH_MAX = 4;
const ENTRIES_MAX = 50;

function write(level: Level, message: string, fields: LogFields = {}): void {
  // oxlint-disable-next-line no-console
  console[level](lineOf(level, message, fields));
}

function lineOf(level: Level, message: string, fields: LogFields): string {
  try {
    return JSON.stringify({ level, message, ...redacted(fields, 0) });
  } catch (error) {
    return JSON.stringify({ level, message, unloggable: String(error) });
  }
}

function redacted(fields: object, depth: number): LogFields {
  const entries = Object.entries(fields).slice(0, ENTRIES_MAX);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, SECRET.test(name) ? REDACTED : plain(value, depth + 1)]),
  );
}

function plain(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEPTH_MAX) return "[deeper]";
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return { name, message, stack, ...(cause === undefined ? {} : { cause: plain(cause, depth + 1) }) };
  }
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((each) => plain(each, depth + 1));
  return redacted(value, depth);
}
