// A request ends with its client, and the daemon with its signal, whatever is under way.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test as plainTest } from "node:test";

import { Daemon, stateFolder, sums } from "./daemon.mjs";

const patience = Number(process.env.MLPD_TEST_PATIENCE ?? 1); // a sanitizer's build is slower
const test = (name, run) => plainTest(name, { timeout: 60_000 * patience }, run);
const state = stateFolder();
const rows = patience > 1 ? 20_000 : 100_000; // of the large dataset
const heavy = patience > 1 ? 20_000 : 200_000; // rows that take the model a minute

/** The figure of /metrics. */
async function metric(daemon, name) {
  const { text } = await daemon.get("/metrics");
  return Number(text.split("\n").find((line) => line.startsWith(`${name} `)).slice(name.length + 1));
}

/** Resolves once `fits` says so of what `look` gives; each look is a request to the daemon. */
async function until(look, fits) {
  for (let value; !fits((value = await look())); );
}

const running = async (daemon, queue) => metric(daemon, `mlpd_tasks_running{queue="${queue}"}`);

/** A connection that has sent the request, and reads only where it is told to. */
function open(daemon, bytes, { read = false } = {}) {
  const socket = net.connect(daemon.port, "127.0.0.1");
  socket.text = "";
  socket.on("error", () => {});
  if (read) socket.on("data", (data) => (socket.text += data));
  else socket.pause();
  socket.gone = new Promise((resolve) => socket.on("close", resolve));
  return new Promise((resolve) => socket.write(bytes, () => resolve(socket)));
}

const request = (line, body, headers = "", length = body.length) =>
  `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n${headers}\r\n${body}`;

const instances = JSON.stringify({ instances: Array.from({ length: heavy }, (_, i) => [(i % 100) / 100, 0.5]) });
const table = `a,b\n${"0.25,0.5\n".repeat(heavy)}`;
const floats = Buffer.alloc(heavy * 8);
const predictJson = request("POST /models/large/predict", instances, "Content-Type: application/json\r\n");
const predictCsv = request("POST /models/large/predict", table, "Content-Type: text/csv\r\n");
const predictTable = request("POST /models/large/predict", table, "Content-Type: text/csv\r\nAccept: text/csv\r\n");
const predictFloats = Buffer.concat([
  Buffer.from(request("POST /models/large/predict", "", "Content-Type: application/octet-stream\r\n", floats.length)),
  floats,
]);

/** What there is, by name and size, and the jobs' ends. */
async function inventory(daemon) {
  const datasets = (await daemon.get("/datasets")).json.datasets.map(({ name, state, rows }) => ({ name, state, rows }));
  const models = (await daemon.get("/models")).json.models.map(({ name, version }) => ({ name, version }));
  return { datasets, models };
}

before(async () => {
  const daemon = await Daemon.start({ state });
  await daemon.csv("/datasets?name=small", sums(60));
  await daemon.csv("/datasets?name=big", sums(rows));
  const units = patience > 1 ? 512 : 2048;
  const { json } = await daemon.post("/train", {
    dataset: "small",
    model: "large",
    layers: [units, units, units],
    epochs: 1,
    batch_size: 50,
  });
  assert.equal((await daemon.finished(json.id)).state, "succeeded");
  await daemon.stop();
});

/** Start the daemon, begin what is to be interrupted, and send SIGTERM: it ends within 5 s, and the next one finds what was there before,
 * or all of what was begun. */
async function interrupted(begin, allowed = () => []) {
  let daemon = await Daemon.start({ state });
  const was = await inventory(daemon);
  const sockets = await begin(daemon);
  const at = process.hrtime.bigint();
  await daemon.stop();
  const seconds = Number(process.hrtime.bigint() - at) / 1e9;
  for (const socket of sockets ?? []) socket.destroy();
  assert.ok(seconds < 5 * patience, `it took ${seconds.toFixed(1)} s`);
  daemon = await Daemon.start({ state });
  const is = await inventory(daemon);
  for (const made of allowed()) {
    is.datasets = is.datasets.filter(({ name, state, rows }) => !(name === made.name && state === "ready" && rows === made.rows));
    was.datasets = was.datasets.filter(({ name }) => name !== made.name);
  }
  assert.deepEqual(is, was);
  await daemon.stop();
}

test("SIGTERM ends eight heavy predictions of JSON", () =>
  interrupted(async (daemon) => {
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open(daemon, predictJson)));
    await until(
      () => running(daemon, "bulk").then(async (n) => n + (await running(daemon, "interactive"))),
      (n) => n >= 2,
    );
    return sockets;
  }));

test("SIGTERM ends predictions of CSV and float32, and CSV to CSV that nobody reads", () =>
  interrupted(async (daemon) => {
    const sockets = await Promise.all([predictCsv, predictFloats, predictTable].map((bytes) => open(daemon, bytes)));
    await until(
      () => running(daemon, "bulk").then(async (n) => n + (await running(daemon, "interactive"))),
      (n) => n >= 1,
    );
    return sockets;
  }));

test("SIGTERM ends uploads, a request to train and a model's file in the midst of their bodies", () =>
  interrupted(async (daemon) => {
    const part = sums(30_000);
    const sockets = await Promise.all([
      open(daemon, request("POST /datasets?name=half", part, "Content-Type: text/csv\r\n", 4 * part.length)),
      open(daemon, request("POST /train?target=label&name=half2&model=half2", part, "Content-Type: text/csv\r\n", 4 * part.length)),
      open(daemon, request("PUT /models/half3/file", part, "", 4 * part.length)),
      open(daemon, request("POST /datasets/big/rows", part, "Content-Type: text/csv\r\n", 4 * part.length)),
    ]);
    await until(
      async () => (await daemon.get("/datasets")).json.datasets.filter(({ state }) => state === "loading").length,
      (n) => n === 2,
    );
    return sockets;
  }));

test("SIGTERM ends an upload that is parsed, rows that are added and a split: all of it or nothing", () =>
  interrupted(
    async (daemon) => {
      const sockets = await Promise.all([
        open(daemon, request("POST /datasets/big/rows", sums(1), "Content-Type: text/csv\r\n")),
        open(daemon, request("POST /datasets/big/split", '{"share":0.5,"names":["one","two"]}', "Content-Type: application/json\r\n")),
        open(daemon, request("POST /datasets?name=parsed", sums(rows), "Content-Type: text/csv\r\n")),
      ]);
      await until(
        () => running(daemon, "bulk"),
        (n) => n >= 1,
      );
      return sockets;
    },
    () => [
      { name: "big", rows },
      { name: "big", rows: rows + 1 },
      { name: "one", rows: rows / 2 },
      { name: "two", rows: rows / 2 },
      { name: "parsed", rows },
    ],
  ));

test("SIGTERM ends exports that nobody reads, evaluations, pages of rows and associations", () =>
  interrupted(async (daemon) => {
    const lines = ["/datasets/big/file", "/datasets/big/rows?limit=10000", "/models/large/evaluation?limit=100000", "/datasets/big?target=label"];
    const sockets = await Promise.all([...lines, ...lines, ...lines].map((line) => open(daemon, request(`GET ${line}`, ""))));
    await until(
      () => metric(daemon, "mlpd_http_requests_total"),
      (n) => n >= sockets.length,
    );
    return sockets;
  }));

test("SIGTERM ends trainings and the streams of their events; the job goes on afterwards", async () => {
  let id;
  await interrupted(async (daemon) => {
    const train = { dataset: "big", model: "long", layers: [256, 256], epochs: 100_000, batch_size: 32 };
    id = (await daemon.post("/train", train)).json.id;
    const sockets = await Promise.all(Array.from({ length: 4 }, () => open(daemon, request(`GET /jobs/${id}/events`, ""), { read: true })));
    await until(
      async () => (await daemon.get(`/jobs/${id}`)).json.state,
      (state) => state === "running",
    );
    return sockets;
  });
  const daemon = await Daemon.start({ state });
  assert.match((await daemon.get(`/jobs/${id}`)).json.state, /queued|running/);
  assert.equal((await daemon.call("DELETE", `/jobs/${id}`)).status, 204);
  await daemon.stop();
});

let daemon; // of the tests below
after(() => daemon?.stop());

test("a request whose client has gone is stopped, in each form", async () => {
  daemon = await Daemon.start({ state });
  const at = async () => (await running(daemon, "bulk")) + (await running(daemon, "interactive"));
  for (const [i, bytes] of [predictJson, predictCsv, predictFloats].entries()) {
    /* A client that goes while its body is still being stored leaves nothing to stop: then once more. */
    while ((await metric(daemon, "mlpd_http_requests_stopped_total")) === i) {
      const socket = await open(daemon, bytes);
      await until(at, (n) => n >= 1);
      socket.destroy();
      await until(at, (n) => n === 0);
    }
  }
  assert.equal(await metric(daemon, "mlpd_predictions_total"), 0, "none of the predictions came to its end");
});

test("a request whose client only shuts its sending side down is not stopped", async () => {
  const few = JSON.stringify({ instances: Array.from({ length: 2000 }, () => [0.25, 0.5]) });
  const stopped = await metric(daemon, "mlpd_http_requests_stopped_total");
  const socket = await open(daemon, request("POST /models/large/predict", few, "Content-Type: application/json\r\n"), { read: true });
  socket.end();
  await until(
    () => metric(daemon, "mlpd_predictions_total"),
    (n) => n === 2000,
  );
  assert.equal(await metric(daemon, "mlpd_http_requests_stopped_total"), stopped);
});

test("SIGTERM ends the evaluation of a model; the job goes on afterwards", async () => {
  const own = stateFolder();
  let trainer = await Daemon.start({ state: own });
  await trainer.csv("/datasets?name=small", sums(60));
  await trainer.csv("/datasets?name=big", sums(rows));
  const units = patience > 1 ? 512 : 2048;
  const train = { dataset: "small", test: "big", model: "large", layers: [units, units, units], epochs: 1, batch_size: 50 };
  const { json } = await trainer.post("/train", train);
  await trainer.epoch(json.id); // the only one: what follows is the evaluation on the large dataset
  const at = process.hrtime.bigint();
  await trainer.stop();
  const seconds = Number(process.hrtime.bigint() - at) / 1e9;
  assert.ok(seconds < 5 * patience, `it took ${seconds.toFixed(1)} s`);
  trainer = await Daemon.start({ state: own });
  assert.match((await trainer.get(`/jobs/${json.id}`)).json.state, /queued|running/);
  assert.deepEqual((await trainer.get(`/jobs/${json.id}`)).json.history.map(({ epoch }) => epoch), [1]);
  await trainer.stop();
});
