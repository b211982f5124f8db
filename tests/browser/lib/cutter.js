// A wire between browser and server that can be cut: bytes pass until the count is reached, then it is down until mended.
// (Resetting one connection would show nothing: the browser repeats the request on another by itself.)

import { connect, createServer } from "node:net";

/** Listens on a free port; `lead(port)` says where the other end is, `cutAfter(bytes)` counts what browsers send from now on. */
export async function openCutter() {
  let to = 0;
  let left = Infinity;
  let down = false;
  const ends = new Set();
  const wire = createServer((near) => {
    if (down) return void near.on("error", () => {}).resetAndDestroy();
    const far = connect(to, "127.0.0.1");
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      ends.add(socket);
      socket.on("error", end).on("close", end).on("close", () => ends.delete(socket));
    }
    near.on("data", (bytes) => {
      left -= bytes.length;
      if (left > 0) return void far.write(bytes);
      left = Infinity;
      down = true;
      for (const socket of ends) socket.resetAndDestroy();
    });
    far.on("data", (bytes) => near.write(bytes));
  });
  await new Promise((done) => wire.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${wire.address().port}`,
    lead: (port) => (to = port),
    cutAfter: (bytes) => (left = bytes),
    mend: () => (down = false),
    close: () => wire.close(),
  };
}
