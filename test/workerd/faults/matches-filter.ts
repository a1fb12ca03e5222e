// Whether a topic matches a filter, level by level as section 4.7 says it: the model's own, apart from the service's.

export function matchesFilter(topic: string, filter: string): boolean {
  const levels = topic.split("/");
  const wanted = filter.split("/");
  const many = wanted.indexOf("#");
  if (many < 0 && wanted.length !== levels.length) return false;
  const compared = many < 0 ? wanted : wanted.slice(0, many);
  return compared.every((level, i) => i < levels.length && (level === "+" || level === levels[i]));
}
