// Clients that leave in the middle, and crowds that are silent: whoever asks something is answered meanwhile.
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, before, test } from "node:test";
import { Daemon } from "./daemon.mjs";

const ANSWER_MS = 2000; // far above what an answer takes on a busy machine, far below the 10 to 30 s of a daemon that waits for the crowd
const MAX = 1024; // connections, as --max-connections has it

let daemon;
before(async () => (daemon = await Daemon.start()));
after(async () => daemon.stop());

/** The status of /healthz and how long it took, on a new connection or on the agent's. */
function health(agent = false) {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.get({ port: daemon.port, host: "127.0.0.1", path: "/healthz", agent }, (reply) => {
      reply.resume();
      reply.on("end", () => resolve({ status: reply.statusCode, ms: performance.now() - begun }));
    });
    request.on("error", reject);
  });
}

async function assertAnswers(n, agent) {
  for (let i = 0; i < n; i++) {
    const { status, ms } = await health(agent);
    assert.equal(status, 200);
    assert.ok(ms < ANSWER_MS, `answer ${i} took ${ms} ms`);
  }
}

/** A connection that sends this. */
function connect(text) {
  return new Promise((resolve) => {
    const socket = net.connect(daemon.port, "127.0.0.1", () => socket.write(text, () => resolve(socket)));
    socket.on("error", () => resolve(socket)); // it had to make room
    socket.resume();
  });
}

const connections = async () => Number(/^mlpd_http_connections (\d+)$/m.exec((await daemon.get("/metrics")).text)[1]);

async function untilGone() {
  while ((await connections()) > 2) continue;
}

test("clients that reset in the middle of their bodies hold nobody up", async () => {
  const bytes = Buffer.from("1,2\n".repeat(131250));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const senders = Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const socket = await connect(`POST /datasets?name=cut${i} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n`);
      await new Promise((resolve) => socket.write(bytes, resolve));
      socket.resetAndDestroy();
    }),
  );
  await assertAnswers(100, agent);
  await senders;
  await assertAnswers(20);
  agent.destroy();
  await untilGone();
});

test("a silent crowd makes room; who is served meanwhile is not dropped", async () => {
  const csv = `a,b\n${"1,2\n".repeat(40000)}`;
  const upload = await connect(`POST /datasets?name=slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${csv.length}\r\n\r\n${csv.slice(0, 100000)}`);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  await assertAnswers(1, agent);
  const [socket] = Object.values(agent.freeSockets).flat();

  const silent = await Promise.all(Array.from({ length: 1100 }, () => connect("")));
  await assertAnswers(20);
  const drips = await Promise.all(Array.from({ length: MAX }, () => connect("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")));
  for (let i = 0; i < 5; i++) {
    for (const drip of drips) if (drip.writable) drip.write("x");
    await assertAnswers(4);
    await assertAnswers(4, agent);
  }
  assert.ok(silent.some(({ readableEnded, destroyed }) => readableEnded || destroyed), "the longest silent have made room");
  assert.ok((await connections()) <= MAX + 16);
  assert.deepEqual(Object.values(agent.freeSockets).flat(), [socket], "who asks again and again keeps the connection");

  let text = "";
  upload.on("data", (data) => (text += data));
  upload.write(csv.slice(100000));
  await new Promise((resolve) => upload.on("close", resolve));
  assert.match(text, /^HTTP\/1\.1 201 /);

  for (const one of [...silent, ...drips]) one.destroy();
  agent.destroy();
  await untilGone();
});
