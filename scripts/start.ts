// `npm start`: the whole service on this machine, all it keeps in one folder. Reads the options, starts, says where
// things are, and ends cleanly on Ctrl-C and SIGTERM. What it starts is in start/.

import { onceStopped } from "./start/once-stopped.ts";
import { readStartOptions, startHelp } from "./start/start-options.ts";
import type { Service } from "./start/start-service.ts";

async function main(): Promise<void> {
  const options = readStartOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    console.log(startHelp);
    return;
  }
  const stopped = onceStopped();
  let wished = false;
  void stopped.then(() => (wished = true));
  const begun = performance.now();
  // Takes a second or two to load: not for a wrong option.
  const { startService } = await import("./start/start-service.ts");
  // A start that is stopped half-way ends what it has begun as soon as it stands. It may not get there: a terminal's
  // Ctrl-C ends the bundler too, and that is no failure.
  const service = await startService(options).catch((error: unknown) => {
    if (wished) return null;
    throw error;
  });
  if (service === null) return;
  if (!wished) console.log(greeting(service, (performance.now() - begun) / 1_000));
  await stopped;
  console.log("Stopping.");
  await service.close();
}

function greeting(service: Service, seconds: number): string {
  return `
Fulmar is ready (${seconds.toFixed(1)} s).

  Service   ${service.publicUrl}/
  API       ${service.publicUrl}/api/docs
  Data      ${service.dataDir}

See it work:   npm run demo -- --url ${service.publicUrl}
Or by hand:    curl -X POST ${service.publicUrl}/api/auth/sign-up/email -H 'Content-Type: application/json' \\
                 -d '{"name":"Ada","email":"ada@example.com","password":"a password of yours"}'
               curl -X POST ${service.publicUrl}/api/deployments -H 'Content-Type: application/json' \\
                 -H 'Authorization: Bearer TOKEN_FROM_ABOVE' -d '{"name":"first"}'
Stop:          Ctrl-C. The data stays; the next start finds it.
`;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
  console.error(`fulmar: ${line}`);
  process.exit(1);
}
