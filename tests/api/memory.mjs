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
    request.on("response", (response) => text(response).then((body) => resolve({ status: response.statusCode, headers: response.headers, text: body })));
  });
  return request;
}

const text = (response) =>
  new Promise((resolve) => {
    let all = "";
    response.setEncoding("latin1");
    response.on("data", (data) => (all += data));
    response.on("end", () => resolve(all));
    response.on("error", (error) => resolve(error.message));
  });

/** A request whose reply is not read: its `status`, and functions that read the rest, or go away. */
export function slow(daemon, n, method, path, body = "") {
  const headers = { "Content-Length": Buffer.byteLength(body) };
  const request = http.request({ port: daemon.port, host: "127.0.0.1", localAddress: address(n), method, path, headers, agent: false });
  request.end(body);
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => resolve({ status: response.statusCode, rest: () => text(response), leave: () => response.destroy() }));
  });
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

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});
function crc32(bytes) {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[i]) & 255];
  return (~crc >>> 0).toString(16).padStart(8, "0");
}

/** A model file made of another one: its recipe and network changed, its weights all zero, and members more in its header. */
export function modelFile(file, change, more = {}) {
  const length = Number(file.readBigUInt64LE());
  const { __metadata__: meta } = JSON.parse(file.toString("utf8", 8, 8 + length));
  const [recipe, network] = [JSON.parse(meta.recipe), JSON.parse(meta.network)];
  change(recipe, network);
  const header = { __metadata__: meta };
  let [inputs, at] = [recipe.inputs, 0];
  network.inputs = inputs;
  const tensor = (name, shape) => {
    const begin = at;
    at += 4 * shape.reduce((a, b) => a * b);
    header[name] = { dtype: "F32", shape, data_offsets: [begin, at] };
  };
  network.layers.forEach(({ units }, i) => {
    tensor(`layers.${i}.weight`, [inputs, units]);
    tensor(`layers.${i}.bias`, [units]);
    inputs = units;
  });
  network.parameters = at / 4;
  const data = Buffer.alloc(at);
  [meta.recipe, meta.network] = [JSON.stringify(recipe), JSON.stringify(network)];
  meta.checksum = crc32(data);
  meta.text_checksum = crc32(Buffer.from([meta.recipe, meta.network, meta.info].map((text) => `${text}\0`).join("")));
  const text = Buffer.from(JSON.stringify({ ...header, ...more }));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}
