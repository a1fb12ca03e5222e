// A Worker beside the service's that takes their memory from objects: POST with the binding and name of each; the
// answer is how many had one. What the runtime does to an object that is idle for some seconds is done as soon as it is
// idle; its sockets hibernate.

import unsafe from "workerd:unsafe";

// oxlint-disable-next-line import/no-default-export -- a Worker has one.
export default {
  async fetch(request, env) {
    const objects = await request.json();
    const evicted = await Promise.all(objects.map(({ binding, name }) => evict(env[binding].getByName(name))));
    return Response.json(evicted.filter(Boolean).length);
  },
};

async function evict(stub) {
  try {
    await unsafe.evict(stub, { webSockets: "hibernate" });
    return true;
  } catch (error) {
    if (String(error).includes("not currently running")) return false; // It has no memory to lose.
    throw error;
  }
}
