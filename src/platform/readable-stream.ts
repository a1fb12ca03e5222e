// Stands in for the package `readable-stream`, which mqtt-packet's buffer list asks for: the runtime has Node's own.
// wrangler.toml names it as an alias.

export { Duplex } from "node:stream";
