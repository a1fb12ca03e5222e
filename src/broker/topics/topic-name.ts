// Topic names, MQTT 5.0 section 4.7: what a message is published to.

import { limits } from "../limits.ts";

export type TopicName = string & { readonly __brand: "TopicName" };

/** The name, or null if nothing may be published to it. [MQTT-4.7.1-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2] */
export function parseTopicName(text: string): TopicName | null {
  if (text === "" || text.includes("+") || text.includes("#") || hasControlCharacter(text)) return null;
  return withinTopicBounds(text) ? (text as TopicName) : null;
}

/** Whether a text has U+0000, or what a receiver may take for malformed besides: U+0001 to U+001F, U+007F to U+009F. Section
 *  1.5.4. In a name they would not be seen. */
export function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return true;
  }
  return false;
}

/** Whether a topic or filter is neither too long nor too deep. */
export function withinTopicBounds(text: string): boolean {
  // A UTF-16 unit has at most three bytes of UTF-8: only what may be too long is measured.
  if (text.length * 3 > limits.topicBytes && new TextEncoder().encode(text).length > limits.topicBytes) return false;
  let levels = 1;
  for (let at = text.indexOf("/"); at >= 0; at = text.indexOf("/", at + 1)) levels += 1;
  return levels <= limits.topicLevels;
}
