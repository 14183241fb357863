// Streams that are silent, many, or left: each is kept alive, fed and given up.
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as passed } from "node:timers/promises";
import { Daemon, sums } from "./daemon.mjs";

let daemon, job;
before(async () => {
  daemon = await Daemon.start();
  await daemon.csv("/datasets?name=sums", sums(200));
  job = (await daemon.post("/train", { dataset: "sums", epochs: 100000, layers: [4], batch_size: 32 })).json.id;
  await daemon.epoch(job);
  assert.equal((await daemon.call("POST", `/jobs/${job}/pause`)).json.state, "paused");
});
after(() => daemon.stop());

/** A stream of the job; `seen(text)` is told all of it so far, and ends it by returning true. */
function follow(seen) {
  return new Promise((resolve, reject) => {
    const request = http.get(`${daemon.url}/jobs/${job}/events`, { agent: false }, (reply) => {
      let text = "";
      reply.on("data", (data) => {
        text += data;
        if (seen(text)) request.destroy();
      });
      reply.on("close", () => resolve(text));
      reply.on("error", () => {});
    });
    request.on("error", (error) => error.code === "ECONNRESET" || reject(error));
  });
}

/** Resolves once the metric has the value: the daemon tells of it nowhere else. */
async function streams(n) {
  let found;
  do found = /^mlpd_event_streams (\d+)$/m.exec((await daemon.get("/metrics")).text)[1];
  while (Number(found) !== n);
}

test("a silent stream is kept alive by comments", async () => {
  const text = await follow((text) => /^:$/m.test(text));
  assert.match(text, /event: state\ndata: .*"paused"/);
});

test("clients that leave a silent stream are noticed", async () => {
  await streams(0);
  let open = 0;
  const all = Promise.all(Array.from({ length: 50 }, () => new Promise((resolve) => {
    const request = http.get(`${daemon.url}/jobs/${job}/events`, { agent: false }, (reply) => {
      reply.on("error", () => {});
      reply.once("data", () => resolve(request));
      open++;
    });
    request.on("error", () => {});
  })));
  const requests = await all;
  assert.equal(open, 50);
  await streams(50);
  for (const request of requests) request.destroy();
  await streams(0);
});

test("many clients of one job see the same", async () => {
  const { json } = await daemon.post("/train", { dataset: "sums", model: "many", epochs: 30, layers: [4] });
  const all = await Promise.all(Array.from({ length: 40 }, () => daemon.events(json.id)));
  const epochs = all.map((events) => events.filter(({ event }) => event === "epoch").map(({ data }) => data));
  for (const seen of epochs) assert.deepEqual(seen, epochs[0]);
  assert.equal(epochs[0].length, 30);
});

/** All that a socket is sent for a GET, and who it is from. */
function listen(where, port) {
  const seen = { text: "" };
  seen.ended = new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("data", (data) => (seen.text += data.toString("latin1")));
    socket.on("close", () => resolve((seen.closed = true)));
    socket.write(`GET ${where} HTTP/1.0\r\n\r\n`);
  });
  return seen;
}

test("a thousand clients of one job see its history to the letter, and others are served meanwhile", async () => {
  const large = await Daemon.start({ flags: ["--max-connections=4096"] });
  await large.csv("/datasets?name=sums", sums(200));
  const { id } = (await large.post("/train", { dataset: "sums", model: "many", epochs: 150, layers: [64], batch_size: 1 })).json;
  await large.call("POST", `/jobs/${id}/pause`);
  const clients = Array.from({ length: 1000 }, () => listen(`/jobs/${id}/events`, large.port));
  let found;
  do {
    found = /^mlpd_event_streams (\d+)$/m.exec((await large.get("/metrics")).text)[1];
    assert.equal(clients.find(({ closed }) => closed)?.text, undefined, "nobody is sent away, however many come at once");
  } while (Number(found) !== clients.length);
  await large.call("POST", `/jobs/${id}/resume`);
  let n = 0;
  for (let open = true; open; n++) {
    assert.equal((await large.get("/jobs?limit=1")).status, 200);
    open = await Promise.race([Promise.all(clients.map(({ ended }) => ended)).then(() => false), passed(20, true)]);
  }
  const { history } = (await large.get(`/jobs/${id}`)).json;
  const epochs = ({ text }) => text.split("\n\n").filter((frame) => /^event: epoch/m.test(frame)).map((frame) => frame.replace(/^[^]*?event: epoch/, "event: epoch"));
  const first = epochs(clients[0]);
  assert.equal(first.length, history.length);
  assert.deepEqual(first.map((frame) => JSON.parse(frame.split("data: ")[1])), history);
  for (const client of clients) {
    assert.deepEqual(epochs(client), first);
    assert.match(client.text, /event: done\nid: done\ndata: .*"succeeded"/);
  }
  assert.ok(n > 1 && history.length > 0);
  await large.stop();
});
