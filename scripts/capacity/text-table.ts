// Tables and numbers as text.

/** Columns of one width in Markdown, those from `right` on aligned to the right. The first line is the head. */
export function textTable(lines: string[][], right = 1): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? "").length)));
  const rule = widths.map((width, i) => (i < right ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const padded = (line: string[]) =>
    widths.map((width, i) => (i < right ? (line[i] ?? "").padEnd(width) : (line[i] ?? "").padStart(width)));
  const [head = [], ...rest] = lines;
  return [padded(head), rule, ...rest.map(padded)].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

export function count(value: number, digits = 0): string {
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

export function plural(value: number, thing: string): string {
  return `${count(value, 4)} ${thing}${value === 1 ? "" : "s"}`;
}

/** Millions, of what is as many; else as it is. */
export function millions(value: number): string {
  return value < 1e6 ? count(value, value < 1e3 ? 2 : 0) : `${count(value / 1e6, value < 1e8 ? 1 : 0)} M`;
}

export function dollars(value: number): string {
  const digits = value < 100 ? 2 : 0;
  return `$${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export function percent(share: number): string {
  return `${count(100 * share, share < 0.1 ? 2 : 0)} %`;
}
