// Logs as one JSON object a line. The only place that writes to the console; fields that name a secret are struck out.

type Level = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

const SECRET = /pass(word)?|secret|token|authorization|cookie|credential|verifier|database_?url/i;

function write(level: Level, message: string, fields: LogFields = {}): void {
  const line = JSON.stringify({ level, message, ...redact(fields) });
  // oxlint-disable-next-line no-console
  console[level](line);
}

function redact(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, SECRET.test(name) ? "[redacted]" : plain(value)]),
  );
}

function plain(value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}

export const log = {
  debug: (message: string, fields?: LogFields) => write("debug", message, fields),
  info: (message: string, fields?: LogFields) => write("info", message, fields),
  warn: (message: string, fields?: LogFields) => write("warn", message, fields),
  error: (message: string, fields?: LogFields) => write("error", message, fields),
} as const;
