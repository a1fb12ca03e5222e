// Topic filters, MQTT 5.0 sections 4.7 and 4.8.2: what a client subscribes to.

import { withinTopicBounds } from "./topic-name.ts";

export type TopicFilter = string & { readonly __brand: "TopicFilter" };

export interface ParsedFilter {
  /** Without `$share/{group}/`. */
  readonly filter: TopicFilter;
  /** Name of the group of a shared subscription, else null. */
  readonly group: string | null;
}

const SHARE = "$share/";

/** The filter's parts, or null if it is not well-formed. */
export function parseTopicFilter(text: string): ParsedFilter | null {
  if (text.includes("\0") || !withinTopicBounds(text)) return null;
  if (text !== "$share" && !text.startsWith(SHARE))
    return wellFormed(text) ? { filter: text as TopicFilter, group: null } : null;
  const groupEnd = text.indexOf("/", SHARE.length);
  if (groupEnd < 0) return null; // [MQTT-4.8.2-1]
  const group = text.slice(SHARE.length, groupEnd);
  const filter = text.slice(groupEnd + 1);
  if (group === "" || group.includes("+") || group.includes("#")) return null; // [MQTT-4.8.2-2]
  return wellFormed(filter) ? { filter: filter as TopicFilter, group } : null;
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
