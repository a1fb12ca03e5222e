// Numbers of the envelope's layout, for those who write and read it (envelope.ts).

export const VERSION = 1;
export const HEADER_BYTES = 36;
export const FLAG_WRITE_AT_ONCE = 1;

export const PUBLISH = 1;
export const ROUTE_REQUEST = 2;
export const RETAINED_REQUEST = 3;
export const PUBLISH_ONCE = 4;
export const RETURNED = 5;
export const LOAD = 6;
export const MESSAGE = 16;
export const RETAINED = 17;
export const ROUTED = 18;
export const ROUTE_STORED = 19;
export const RETAINED_PAGE = 20;
export const OWN_MESSAGE = 21;
export const MESSAGE_ONCE = 22;
export const SHARED = 23;
