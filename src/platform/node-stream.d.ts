// The one name of Node's streams that the Worker's bundle asks the runtime for.

declare module "node:stream" {
  export const Duplex: unknown;
}
