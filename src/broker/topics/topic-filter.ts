// Topic filters, MQTT 5.0 sections 4.7 and 4.8.2: what a client subscribes to.

import { withinTopicBounds } from "./topic-name.ts";

export type TopicFilter = string & { readonly __brand: "TopicFilter" };

export interface ParsedFilter {
  /** Without `$share/{group}/`. */
  readonly filter: TopicFilter;
  /** Name of the group of a shared subscription, else null. */
  readonly group: string | null;
  /** Whether `$exclusive/` stood before it: one session at a time may have it so. */
  readonly exclusive: boolean;
}

const SHARE = "$share/";
const EXCLUSIVE = "$exclusive/";

/** Name of the claim to be the only one who has a filter exclusively: the filter as a client writes it then. */
export function exclusiveClaim(filter: string): string {
  return EXCLUSIVE + filter;
}

/** The filter that a claim is for; null: the text is no claim. */
export function claimedFilter(text: string): string | null {
  return text.startsWith(EXCLUSIVE) ? text.slice(EXCLUSIVE.length) : null;
}

/** The filter's parts, or null if it is not well-formed, or too long. */
export function parseTopicFilter(text: string): ParsedFilter | null {
  if (faultOfFilter(text) !== null || !withinTopicBounds(text)) return null;
  const claimed = claimedFilter(text);
  if (claimed !== null) return isPlain(claimed) ? plain(claimed, true) : null;
  if (!isShared(text)) return plain(text, false);
  const groupEnd = text.indexOf("/", SHARE.length);
  const filter = text.slice(groupEnd + 1);
  if (!isPlain(filter)) return null;
  return { filter: filter as TopicFilter, group: text.slice(SHARE.length, groupEnd), exclusive: false };
}

/** What makes a text no filter: "form": it is empty, or has a wildcard out of place, or U+0000; "share": it begins as a
 *  shared filter and has no name of a group, or no filter behind it; null: nothing. */
export function faultOfFilter(text: string): "form" | "share" | null {
  if (text.includes("\0") || !wellFormed(text)) return "form";
  if (!isShared(text)) return null;
  const groupEnd = text.indexOf("/", SHARE.length);
  if (groupEnd < 0 || groupEnd === text.length - 1) return "share"; // [MQTT-4.8.2-1]
  const group = text.slice(SHARE.length, groupEnd);
  return group === "" || group.includes("+") ? "share" : null; // [MQTT-4.8.2-2] A # is out of place anyway.
}

function plain(filter: string, exclusive: boolean): ParsedFilter {
  return { filter: filter as TopicFilter, group: null, exclusive };
}

function isShared(text: string): boolean {
  return text === "$share" || text.startsWith(SHARE);
}

/** Well-formed, and neither shared nor exclusive itself. */
function isPlain(filter: string): boolean {
  return wellFormed(filter) && !isShared(filter) && claimedFilter(filter) === null;
}

/** [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] */
function wellFormed(filter: string): boolean {
  if (filter === "") return false;
  const levels = filter.split("/");
  return levels.every((level, i) => {
    if (level.includes("#")) return level === "#" && i === levels.length - 1;
    return !level.includes("+") || level === "+";
  });
}
