// What the tests of memory share: clients of many addresses, bodies that grow when unpacked, and what a daemon holds.
import { readFileSync } from "node:fs";
import http from "node:http";

export const MB = 1e6;

/** The sanitizers' own memory is none of the daemon's: with them only its ledger is looked at. */
export const sanitized = Number(process.env.MLPD_TEST_PATIENCE ?? 1) > 1;

/** The most that the daemon has had in memory at one time, mapped files and all. */
export function peakBytes(daemon) {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${daemon.child.pid}/status`, "utf8"))[1]) * 1024;
}

/** What requests hold now. */
export async function heldBytes(daemon) {
  return Number(/^mlpd_request_memory_bytes (\d+)$/m.exec((await daemon.get("/metrics")).text)[1]);
}

/** Wait until nothing is held: connections end a moment after their last byte. */
export async function givenBack(daemon) {
  for (let held; (held = await heldBytes(daemon)) > 0; )
    if (performance.now() > 60_000 + (givenBack.since ??= performance.now())) throw new Error(`${held} bytes are still held`);
  givenBack.since = undefined;
}

/** The n-th client's address: all of 127.0.0.0/8 is this machine. */
export const address = (n) => `127.${1 + (n >> 14)}.${(n >> 7) & 127}.${1 + (n & 127)}`;

/** A request of the n-th client that is under way: write to it, end it, and `reply` is what came back, or what was met. */
export function open(daemon, n, method, path, headers = {}) {
  const request = http.request({ port: daemon.port, host: "127.0.0.1", localAddress: address(n), method, path, headers, agent: false });
  request.reply = new Promise((resolve) => {
    request.on("error", (error) => resolve({ status: 0, text: error.message }));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (data) => (text += data));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      response.on("error", (error) => resolve({ status: 0, text: error.message }));
    });
  });
  return request;
}

/** The n-th client's request, whole. */
export function send(daemon, n, method, path, body = "", headers = {}) {
  const request = open(daemon, n, method, path, { "Content-Length": Buffer.byteLength(body), ...headers });
  request.end(body);
  return request.reply;
}

/** A zstd frame's beginning that asks for a window of 2^log bytes and fills n blocks of 128 KB of it, with n_raw more as they are. */
export function zstdFrame(log, n, nRaw) {
  const size = 128 * 1024;
  const block = (type, last) => Buffer.from([last | (type << 1) | ((size & 31) << 3), (size >> 5) & 255, size >> 13]);
  const raw = Buffer.concat([block(0, 0), Buffer.alloc(size, "a,b\n1,2\n")]);
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3]),
    ...Array.from({ length: n }, () => Buffer.concat([block(1, 0), Buffer.from("\n")])),
    ...Array.from({ length: nRaw }, () => raw),
  ]);
}
