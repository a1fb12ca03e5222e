// Every normative statement of MQTT 5.0 and of 3.1.1, with the tests that show it, or why none can.

import type { Statement, Statements } from "./statement.ts";
import { mqtt311Connect } from "./mqtt311-connect.ts";
import { mqtt311ConnectPayload } from "./mqtt311-connect-payload.ts";
import { mqtt311Operation } from "./mqtt311-operation.ts";
import { mqtt311Publish } from "./mqtt311-publish.ts";
import { mqtt311Subscribe } from "./mqtt311-subscribe.ts";
import { mqtt5Acknowledgements } from "./mqtt5-acknowledgements.ts";
import { mqtt5Connack } from "./mqtt5-connack.ts";
import { mqtt5Connect } from "./mqtt5-connect.ts";
import { mqtt5ConnectPayload } from "./mqtt5-connect-payload.ts";
import { mqtt5Data } from "./mqtt5-data.ts";
import { mqtt5Disconnect } from "./mqtt5-disconnect.ts";
import { mqtt5Operation } from "./mqtt5-operation.ts";
import { mqtt5Publish } from "./mqtt5-publish.ts";
import { mqtt5PublishProperties } from "./mqtt5-publish-properties.ts";
import { mqtt5Subscribe } from "./mqtt5-subscribe.ts";
import { mqtt5Topics } from "./mqtt5-topics.ts";

/** Sections in their order. */
const sections: readonly Statements[] = [
  mqtt5Data,
  mqtt5Connect,
  mqtt5ConnectPayload,
  mqtt5Connack,
  mqtt5Publish,
  mqtt5PublishProperties,
  mqtt5Acknowledgements,
  mqtt5Subscribe,
  mqtt5Disconnect,
  mqtt5Operation,
  mqtt5Topics,
  mqtt311Connect,
  mqtt311ConnectPayload,
  mqtt311Publish,
  mqtt311Subscribe,
  mqtt311Operation,
];

/** Pairs of id and statement; an id that stands twice is twice here. */
export const manifest: readonly (readonly [string, Statement])[] = sections.flatMap((section) =>
  Object.entries(section),
);
