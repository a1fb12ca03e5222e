// The page at the root: what this is and where things are.

/** The page as HTML. */
export const landingPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fulmar</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
pre { padding: 0.75rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); overflow-x: auto; }
</style>
</head>
<body>
<main>
<h1>Fulmar</h1>
<p>A managed MQTT 5.0 service at the edge. Sign up, create a deployment, and connect devices to its endpoint over
WebSocket.</p>
<ul>
<li><a href="/api/docs">The API, page by page</a></li>
<li><a href="/api/openapi.json">Its OpenAPI document</a></li>
<li><a href="/health">Whether the service is well</a></li>
</ul>
<p>To begin, with an address and a password of yours:</p>
<pre><code>curl -X POST {origin}/api/auth/sign-up/email -H 'Content-Type: application/json' \\
  -d '{"name":"Ada","email":"ada@example.com","password":"..."}'

curl -X POST {origin}/api/deployments -H 'Content-Type: application/json' \\
  -H 'Authorization: Bearer TOKEN_FROM_ABOVE' -d '{"name":"first"}'</code></pre>
</main>
</body>
</html>
`;
