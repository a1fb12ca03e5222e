// Names of shared subscriptions, MQTT 5.0 section 4.8.2: `$share/{group}/{filter}` names a group's share of a filter's
// messages. Who is to get some of it is a member: a session, by its uid.

import { parseTopicFilter } from "./topic-filter.ts";

/** Stands between the share and the uid in a member's name; no filter holds it. */
const SEPARATOR = "\0";
const SHARE = "$share/";

export interface Share {
  /** As a client writes it. */
  readonly name: string;
  readonly group: string;
  readonly filter: string;
}

export interface MemberName {
  readonly share: string;
  readonly uid: number;
}

/** Whether a filter as a client writes it names a share. */
export function isShare(filter: string): boolean {
  return filter.startsWith(SHARE);
}

export function shareOf(group: string, filter: string): Share {
  return { name: `${SHARE}${group}/${filter}`, group, filter };
}

/** The parts of a share's name; null: the text is no such. */
export function parseShare(name: string): Share | null {
  const parsed = isShare(name) ? parseTopicFilter(name) : null;
  return parsed === null || parsed.group === null ? null : { name, group: parsed.group, filter: parsed.filter };
}

/** Names one session's part in a share, among the routes of filters. */
export function memberName(share: string, uid: number): string {
  return share + SEPARATOR + uid;
}

/** The parts of a member's name; null: the text is no such. */
export function parseMemberName(text: string): MemberName | null {
  const end = text.indexOf(SEPARATOR);
  return end < 0 ? null : { share: text.slice(0, end), uid: Number(text.slice(end + 1)) };
}
