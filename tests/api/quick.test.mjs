// Predictions that are answered on the spot and those that are not say the same, and models change under them at once.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Daemon, assertProblem, sums } from "./daemon.mjs";

const THRESHOLD = 65536; // bodies up to here are answered on the HTTP thread
let daemon;

before(async () => {
  daemon = await Daemon.start();
  assert.equal((await daemon.csv("/datasets?name=sums", sums(300))).status, 201);
  await train("sums");
});
after(() => daemon.stop());

async function train(model) {
  const reply = await daemon.post("/train", { dataset: "sums", target: "label", model, epochs: 2, layers: [{ units: 8, activation: "relu" }] });
  assert.equal(reply.status, 202, reply.text);
  const job = await daemon.finished(reply.json.id);
  assert.equal(job.state, "succeeded");
  return job.version;
}

const ask = (model, instances = [[0.3, 0.4]]) => daemon.post(`/models/${model}/predict`, { instances });

/** A body of exactly n bytes, filled with blanks. */
function bodyOf(n, instances) {
  const text = JSON.stringify({ model: "sums", instances });
  assert.ok(text.length <= n);
  return text.slice(0, -1) + " ".repeat(n - text.length) + "}";
}

function requestOf(body) {
  return `POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** The replies (status, body) in the bytes that a connection has sent; undefined until there are n. */
function repliesOf(text, n) {
  const replies = [];
  for (let at = 0; replies.length < n; ) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return undefined;
    const length = Number(/content-length: (\d+)/i.exec(text.slice(at, end))[1]);
    if (text.length < end + 4 + length) return undefined;
    replies.push({ status: Number(text.slice(at + 9, at + 12)), body: text.slice(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
  return replies;
}

/** One connection: `send(socket)` writes; resolves with the n replies that come. */
function converse(n, send) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(daemon.port, "127.0.0.1");
    let text = "";
    socket.setNoDelay(true);
    socket.on("connect", () => send(socket));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed after: ${text}`)));
    socket.on("data", (data) => {
      text += data;
      const replies = repliesOf(text, n);
      if (!replies) return;
      socket.removeAllListeners("close");
      socket.destroy();
      resolve(replies);
    });
  });
}

test("bodies around the threshold give the same bytes", async () => {
  const instances = [[0.2, 0.3], { b: 0.7, a: 0.8, shoe: 1 }];
  const sizes = [200, 16384, 16385, THRESHOLD - 1, THRESHOLD, THRESHOLD + 1, 262144, 262145];
  const replies = [];
  for (const size of sizes) replies.push(await daemon.call("POST", "/predict", bodyOf(size, instances), { "Content-Type": "application/json" }));
  for (const [i, reply] of replies.entries()) {
    assert.equal(reply.status, 200, `${sizes[i]} bytes: ${reply.text}`);
    assert.equal(reply.text, replies[0].text, `${sizes[i]} bytes`);
  }
  assert.match(replies[0].text, /shoe/);
});

test("errors around the threshold are the same", async () => {
  for (const instances of [[[0.2]], [[0.2, "x"]], [{ a: 1 }], [], [[0.1, 0.2], 7]]) {
    const small = await daemon.call("POST", "/predict", bodyOf(200, instances), { "Content-Type": "application/json" });
    const large = await daemon.call("POST", "/predict", bodyOf(THRESHOLD + 1, instances), { "Content-Type": "application/json" });
    assert.ok(small.status >= 400, small.text);
    assert.deepEqual(small.json, large.json);
  }
});

test("few and many rows in a small body agree", async () => {
  const instances = Array.from({ length: 3000 }, (_, i) => [i % 10, (i * 7) % 10]); // too many for the HTTP thread
  const many = await ask("sums", instances);
  assert.equal(many.status, 200, many.text.slice(0, 200));
  for (const i of [0, 1499, 2999]) assert.deepEqual((await ask("sums", [instances[i]])).json.predictions[0], many.json.predictions[i]);
});

test("a new version is served as soon as its job has succeeded", async () => {
  for (let version = 1; version <= 4; version++) {
    assert.equal(await train("steps"), version);
    for (let i = 0; i < 3; i++) assert.equal((await ask("steps")).json.version, version);
  }
  const first = await daemon.post("/predict", { model: "steps", version: 1, instances: [[0.3, 0.4]] });
  assert.equal(first.json.version, 1);
});

test("an imported version is served at once", async () => {
  const file = await (await fetch(`${daemon.url}/models/sums/file`)).arrayBuffer();
  for (let version = 1; version <= 4; version++) {
    const reply = await daemon.call("PUT", "/models/carried/file", file);
    assert.equal(reply.status, 201, reply.text);
    assert.equal((await ask("carried")).json.version, version);
    assert.equal((await ask("carried")).json.version, version);
  }
});

test("a deleted version falls back to the one before, a deleted model is 404 at once", async () => {
  const file = await (await fetch(`${daemon.url}/models/sums/file`)).arrayBuffer();
  for (let i = 0; i < 2; i++) assert.equal((await daemon.call("PUT", "/models/brief/file", file)).status, 201);
  assert.equal((await ask("brief")).json.version, 2);
  assert.equal((await ask("brief")).json.version, 2);
  assert.ok((await daemon.call("DELETE", "/models/brief?version=2")).status < 300);
  assert.equal((await ask("brief")).json.version, 1);
  assertProblem(await daemon.post("/predict", { model: "brief", version: 2, instances: [[0.3, 0.4]] }), 404, /version 2/);
  assert.ok((await daemon.call("DELETE", "/models/brief")).status < 300);
  assertProblem(await ask("brief"), 404, /brief/);
  assert.equal((await daemon.call("PUT", "/models/brief/file", file)).status, 201);
  assert.equal((await ask("brief")).json.version, 3, "a number is never given twice");
});

test("versions only rise for clients that ask while models are published", async () => {
  const file = await (await fetch(`${daemon.url}/models/sums/file`)).arrayBuffer();
  await daemon.call("PUT", "/models/rising/file", file);
  let published = 1, done = false;
  const clients = Array.from({ length: 4 }, async () => {
    for (let last = 1; !done; ) {
      const least = published;
      const { version } = (await ask("rising")).json;
      assert.ok(version >= least && version >= last, `version ${version} after ${least} was published and ${last} seen`);
      last = version;
    }
  });
  for (let i = 0; i < 12; i++) published = (await daemon.call("PUT", "/models/rising/file", file)).json.version;
  done = true;
  await Promise.all(clients);
  assert.equal(published, 13);
});

test("pipelined requests are answered in order, small and large in turn", async () => {
  const bodies = [];
  for (let i = 0; i < 12; i++) bodies.push(i % 4 === 3 ? bodyOf(THRESHOLD + 10, [[i / 12, 0.2]]) : bodyOf(100, [[i / 12, 0.2]]));
  const replies = await converse(bodies.length, (socket) => socket.write(bodies.map(requestOf).join("")));
  for (const [i, reply] of replies.entries()) {
    assert.equal(reply.status, 200, reply.body);
    assert.deepEqual(JSON.parse(reply.body), (await ask("sums", [[i / 12, 0.2]])).json);
  }
});

test("a kept connection forgets one request before the next", async () => {
  const bodies = [bodyOf(100, [[0.1, 0.2], [0.8, 0.9]]), '{"instances":5}', bodyOf(100, [[0.1]]), bodyOf(100, [{ a: 1, b: 2, c: 3 }]), bodyOf(100, [[0.1, 0.2]])];
  const replies = await converse(bodies.length, (socket) => socket.write(bodies.map(requestOf).join("")));
  assert.deepEqual(replies.map((reply) => reply.status), [200, 400, 422, 200, 200]);
  const [two, , , odd, one] = replies.map((reply) => JSON.parse(reply.body));
  assert.equal(two.predictions.length, 2);
  assert.ok(odd.warnings);
  assert.deepEqual(one, { model: two.model, version: two.version, predictions: [two.predictions[0]] });
});

test("a body that arrives in pieces is the same body", async () => {
  const request = requestOf(bodyOf(90, [[0.3, 0.4]]));
  const whole = (await ask("sums")).text;
  for (const piece of [1, 7, 50]) {
    const [reply] = await converse(1, async (socket) => {
      for (let at = 0; at < request.length; at += piece) await new Promise((sent) => socket.write(request.slice(at, at + piece), sent));
    });
    assert.equal(reply.status, 200, reply.body);
    assert.equal(reply.body, whole);
  }
});
