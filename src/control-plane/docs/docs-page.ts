// A page that shows an OpenAPI document: HTML without scripts and without anything from elsewhere.

/** The parts of an OpenAPI 3.1 document that the page reads. */
export interface ShownDocument {
  info: { title: string; version: string; description?: string };
  servers?: { url: string }[];
  tags?: { name: string; description?: string }[];
  paths?: Record<string, object>;
  components?: { schemas?: Record<string, unknown> };
}

interface ShownOperation {
  summary?: string;
  description?: string;
  tags?: string[];
  security?: object[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: unknown }[];
  requestBody?: { content?: Record<string, { schema?: unknown }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: unknown }> }>;
}

interface Operation extends ShownOperation {
  method: string;
  path: string;
}

const METHODS = new Set(["get", "post", "put", "patch", "delete"]);

/** The page as HTML. */
export function docsPage(document: ShownDocument): string {
  const operations = operationsOf(document);
  const tags =
    document.tags ?? [...new Set(operations.flatMap((operation) => operation.tags ?? []))].map((name) => ({ name }));
  const title = escape(document.info.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${title} API</h1>
<p>${text(document.info.description)}</p>
<p>Server: <code>${escape(document.servers?.[0]?.url ?? "/")}</code></p>
</header>
<nav aria-label="Operations">${tags.map((tag) => navigation(tag, operations)).join("")}</nav>
<main>
${tags.map((tag) => section(tag, operations)).join("")}
<section><h2>Schemas</h2>${schemas(document)}</section>
</main>
</body>
</html>
`;
}

function operationsOf(document: ShownDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, ShownOperation>)
      .filter(([method]) => METHODS.has(method))
      .map(([method, operation]) => ({ ...operation, method, path })),
  );
}

function navigation(tag: { name: string }, operations: Operation[]): string {
  const links = operations
    .filter((operation) => operation.tags?.includes(tag.name))
    .map((operation) => `<li><a href="#${anchor(operation)}">${escape(operation.summary ?? operation.path)}</a></li>`);
  return `<h2>${escape(tag.name)}</h2><ul>${links.join("")}</ul>`;
}

function section(tag: { name: string; description?: string }, operations: Operation[]): string {
  const own = operations.filter((operation) => operation.tags?.includes(tag.name));
  return `<section><h2>${escape(tag.name)}</h2><p>${text(tag.description)}</p>${own.map((operation) => article(operation)).join("")}</section>`;
}

function article(operation: Operation): string {
  const body = jsonSchemaOf(operation.requestBody?.content);
  return `<article id="${anchor(operation)}">
<h3><span class="method">${operation.method.toUpperCase()}</span> <code>${escape(operation.path)}</code></h3>
<p>${text(operation.summary)}${operation.security === undefined ? "" : " <small>Signed in.</small>"}</p>
<p>${text(operation.description)}</p>
${parameters(operation)}
${body === undefined ? "" : `<h4>Body</h4>${schema(body)}`}
${Object.entries(operation.responses ?? {})
  .map(([status, response]) => answer(status, response.description, jsonSchemaOf(response.content)))
  .join("")}
</article>`;
}

function parameters(operation: Operation): string {
  const rows = (operation.parameters ?? []).map(
    (parameter) =>
      `<li><code>${escape(parameter.name)}</code> in ${escape(parameter.in)}${parameter.required === true ? ", required" : ""}. ${text(parameter.description)}</li>`,
  );
  return rows.length === 0 ? "" : `<h4>Parameters</h4><ul>${rows.join("")}</ul>`;
}

function answer(status: string, description: string | undefined, content: unknown): string {
  const line = `<strong>${escape(status)}</strong> ${text(description)}`;
  return content === undefined ? `<p>${line}</p>` : `<details><summary>${line}</summary>${schema(content)}</details>`;
}

function schemas(document: ShownDocument): string {
  return Object.entries(document.components?.schemas ?? {})
    .map(
      ([name, value]) =>
        `<details id="schema-${escape(name)}"><summary>${escape(name)}</summary>${schema(value)}</details>`,
    )
    .join("");
}

function jsonSchemaOf(content: Record<string, { schema?: unknown }> | undefined): unknown {
  return content?.["application/json"]?.schema;
}

/** A schema as its JSON, with references to other schemas as links. */
function schema(value: unknown): string {
  const json = escape(JSON.stringify(value, null, 2) ?? "");
  const linked = json.replace(/#\/components\/schemas\/([A-Za-z0-9_.-]+)/g, '<a href="#schema-$1">$1</a>');
  return `<pre><code>${linked}</code></pre>`;
}

function anchor(operation: Operation): string {
  return escape(`${operation.method}-${operation.path}`.replace(/[^a-zA-Z0-9]+/g, "-"));
}

/** Text with `code` marked. */
function text(value: string | undefined): string {
  return escape(value ?? "").replace(/`([^`]+)`/g, "<code>$1</code>");
}

function escape(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 22%, transparent); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 16rem 1fr; gap: 0 2rem; }
  header { grid-column: 1 / -1; }
  nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; }
}
nav h2 { font-size: 1rem; margin: 1rem 0 0.25rem; }
nav ul { list-style: none; padding: 0; margin: 0; }
article { border-top: 1px solid var(--line); padding: 0.5rem 0 1rem; }
h3, code { overflow-wrap: anywhere; }
.method { font-size: 0.85em; border: 1px solid var(--line); border-radius: 0.25rem; padding: 0 0.4rem; }
pre { border: 1px solid var(--line); border-radius: 0.25rem; padding: 0.75rem; overflow-x: auto; font-size: 0.85rem; }
summary { cursor: pointer; padding: 0.2rem 0; }
`;
