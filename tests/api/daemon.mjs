// Starts daemons for tests: on a free port, in a folder of their own, gone when the test file ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, watch } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.MLPD_BIN;
const shared = process.env.MLPD_SHARED ?? path.resolve(root, "../shared");

/** The folder of one of the shared tables, or undefined where there is none. */
export function sharedData(name) {
  const folder = path.join(shared, "data", name);
  return existsSync(folder) ? folder : undefined;
}

const children = new Set();
const folders = [];
const childrenEnd = () => children.forEach((child) => child.kill("SIGKILL"));
// A daemon that a failed test has left running would keep the file's process from its end; the file's own hooks come first.
if (process.env.NODE_TEST_CONTEXT) after(() => void setTimeout(childrenEnd, 30_000).unref());
process.on("exit", () => {
  childrenEnd();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes when the test file ends. */
export function stateFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), "mlpd-test-"));
  folders.push(folder);
  return folder;
}

/** Run the binary to its end. */
export function run(flags, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(binary, flags, { env: { PATH: process.env.PATH, ...sanitizers(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (data) => (output.stdout += data));
    child.stderr.on("data", (data) => (output.stderr += data));
    child.on("close", (code, signal) => resolve({ code, signal, ...output }));
  });
}

/** Of this process's environment, what is meant for a sanitizer's build. */
function sanitizers() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^((ASAN|UBSAN|TSAN|LSAN)_OPTIONS|MLPD_HTTP_THREADS)$/.test(name)));
}

export class Daemon {
  /** Resolves once the daemon says where it listens. wrapper: a command, with its flags, that becomes the daemon. */
  static start({ state = stateFolder(), flags = [], env = {}, wrapper = [] } = {}) {
    assert.ok(binary, "the environment variable MLPD_BIN names the daemon to test");
    const daemon = new Daemon();
    daemon.state = state;
    daemon.log = "";
    const [command, ...words] = [...wrapper, binary, "--listen=127.0.0.1:0", `--state-dir=${state}`, ...flags];
    daemon.child = spawn(command, words, {
      env: { PATH: process.env.PATH, ...sanitizers(), ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.add(daemon.child);
    daemon.ended = new Promise((resolve) =>
      daemon.child.on("close", (code, signal) => {
        children.delete(daemon.child);
        resolve({ code, signal });
      }),
    );
    return new Promise((resolve, reject) => {
      daemon.child.on("error", reject);
      daemon.ended.then(({ code, signal }) => reject(new Error(`the daemon ended (${code ?? signal}) before it listened:\n${daemon.log}`)));
      daemon.child.stderr.on("data", (data) => {
        daemon.log += data;
        const found = /listening on (http:\S+)/.exec(daemon.log);
        if (found && !daemon.url) {
          daemon.url = found[1];
          daemon.port = Number(new URL(daemon.url).port);
          resolve(daemon);
        }
      });
    });
  }

  /** SIGTERM; the daemon must end cleanly. */
  async stop(signal = "SIGTERM") {
    if (this.child.exitCode === null) this.child.kill(signal);
    const end = await this.ended;
    assert.ok(!/Sanitizer|runtime error/.test(this.log), `a sanitizer has spoken:\n${this.log}`);
    assert.deepEqual(end, { code: 0, signal: null }, `the daemon did not end cleanly:\n${this.log}`);
  }

  /** fetch, with the reply's JSON as `json` where it is JSON. */
  async call(method, where, body, headers = {}) {
    const reply = await fetch(this.url + where, { method, body, headers, duplex: "half" });
    const text = await reply.text();
    const type = reply.headers.get("content-type") ?? "";
    return { status: reply.status, headers: reply.headers, text, json: text && /json/.test(type) ? JSON.parse(text) : undefined };
  }

  get(where, headers) {
    return this.call("GET", where, undefined, headers);
  }

  /** A JSON body. */
  post(where, body, headers = {}) {
    return this.call("POST", where, JSON.stringify(body), { "Content-Type": "application/json", ...headers });
  }

  csv(where, body, headers = {}) {
    return this.call("POST", where, body, { "Content-Type": "text/csv", ...headers });
  }

  /** Bytes as they are over a socket; all that comes back until the daemon closes, or `until` matches. `end`: say that no more comes. */
  raw(bytes, until, end = false) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.port, "127.0.0.1");
      let text = "";
      socket.on("error", (error) => (text ? resolve(text) : reject(error)));
      socket.on("data", (data) => {
        text += data;
        if (until?.test(text)) socket.destroy();
      });
      socket.on("close", () => resolve(text));
      socket.write(bytes, () => end && socket.end());
    });
  }

  /** The events of a job until its stream ends, or until `stop` says so. */
  async events(job, { headers = {}, stop = () => false } = {}) {
    const reply = await fetch(`${this.url}/jobs/${job}/events`, { headers });
    const events = [];
    events.status = reply.status;
    if (reply.status !== 200) return events;
    assert.equal(reply.headers.get("content-type"), "text/event-stream");
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of reply.body) {
      text += decoder.decode(chunk, { stream: true });
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const event = eventOf(text.slice(0, end));
        if (event) events.push(event);
        if (event && stop(event)) return events; // which closes the connection
      }
    }
    return events;
  }

  /** The job's first epoch that fits, once it is told. */
  async epoch(job, fits = () => true) {
    const events = await this.events(job, { stop: ({ event, data }) => event === "epoch" && fits(data) });
    assert.equal(events.at(-1)?.event, "epoch", `job ${job} (status ${events.status}) ended without it: ${JSON.stringify(events.at(-1))}`);
    return events.at(-1).data;
  }

  /** Resolves once the log says so. */
  async logged(words) {
    while (!words.test(this.log)) {
      assert.equal(this.child.exitCode, null, this.log);
      await new Promise((resolve) => this.child.stderr.once("data", resolve));
    }
  }

  /** The job once it has ended. */
  async finished(job) {
    const events = await this.events(job);
    assert.equal(events.at(-1)?.event, "done", `the stream of job ${job} ends with done`);
    return (await this.get(`/jobs/${job}`)).json;
  }

  /** Cancel the job, whose model may take a moment to keep; as it has ended. */
  async cancel(job) {
    const { status, json } = await this.call("POST", `/jobs/${job}/cancel`);
    assert.deepEqual(status === 202 ? "cancelling" : "cancelled", json.state);
    return this.finished(job);
  }
}

function eventOf(frame) {
  const event = { event: "message" };
  for (const line of frame.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
  }
  if (event.data === undefined) return undefined;
  return { ...event, data: JSON.parse(event.data) };
}

/** A problem as RFC 9457 has it: status, a sentence, and the fields named. */
export function assertProblem(reply, status, words, fields = {}) {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.headers.get("content-type"), "application/problem+json");
  assert.equal(reply.json.status, status);
  assert.equal(typeof reply.json.type, "string");
  assert.equal(typeof reply.json.title, "string");
  assert.match(reply.json.detail, words);
  for (const [name, value] of Object.entries(fields)) assert.equal(reply.json[name], value, `${name} in ${reply.text}`);
}

/** Resolves once it holds; it is asked again whenever something in the folders changes. */
export async function until(holds, ...folders) {
  let wake;
  const watchers = folders.map((folder) => watch(folder, () => wake?.()));
  for (;;) {
    const change = new Promise((resolve) => (wake = resolve));
    if (await holds()) break;
    await change;
  }
  watchers.forEach((watcher) => watcher.close());
}

/** n rows of two numbers and the class that their sum decides; always the same. */
export function sums(n, header = "a,b,label\n") {
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
  const rows = Array.from({ length: n }, () => {
    const [a, b] = [next(), next()];
    return `${a.toFixed(4)},${b.toFixed(4)},${a + b > 1 ? "high" : "low"}`;
  });
  return `${header}${rows.join("\n")}\n`;
}
