// Whether a topic matches a filter, MQTT 5.0 section 4.7: the plain way, level by level.

/** `filter` without `$share/{group}/`. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/");
  const given = topic.split("/");
  // A leading wildcard does not see topics that begin with $. [MQTT-4.7.2-1]
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true; // The parent level too. [MQTT-4.7.1-2]
    if (i >= given.length) return false;
    if (level !== "+" && level !== given[i]) return false;
  }
  return wanted.length === given.length;
}
