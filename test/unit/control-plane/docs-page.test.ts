import { expect, it } from "vitest";
import { docsPage } from "../../../src/control-plane/docs/docs-page.ts";

const document = {
  info: { title: "A & B", version: "1", description: "Uses `code` & <tags>." },
  servers: [{ url: "https://example.com" }],
  paths: {
    "/things/{id}": {
      parameters: [],
      get: {
        tags: ["Things"],
        summary: 'Read a "thing"',
        parameters: [{ name: "id", in: "path", required: true, description: "Its <id>" }],
        responses: {
          "200": {
            description: "It.",
            content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
          },
          "404": { description: "There is none." },
        },
      },
    },
  },
  components: { schemas: { Thing: { type: "object", description: "</code><script>" } } },
};

it("shows operations under their tags, and links references to schemas", () => {
  const html = docsPage(document);
  expect(html).toContain('<a href="#get-things-id-">Read a &quot;thing&quot;</a>');
  expect(html).toContain('<article id="get-things-id-">');
  expect(html).toContain('<a href="#schema-Thing">Thing</a>');
  expect(html).toContain('<details id="schema-Thing">');
  expect(html).toContain("There is none.");
});

it("escapes everything that the document says", () => {
  const html = docsPage(document);
  expect(html).toContain("Uses <code>code</code> &amp; &lt;tags&gt;.");
  expect(html).toContain("A &amp; B");
  expect(html).not.toMatch(/<script|<tags>|<id>/);
});

it("shows a document without anything in it", () => {
  expect(docsPage({ info: { title: "Empty", version: "1" } })).toContain("<h1>Empty API</h1>");
});
