// What no honest client sends: each is refused or cut off, and the daemon goes on.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Daemon, assertProblem } from "./daemon.mjs";

let daemon;
before(async () => (daemon = await Daemon.start({ flags: ["--max-connections=64", "--allow-host=models.example,other.example"] })));
after(async () => {
  assert.equal((await daemon.get("/healthz")).status, 200);
  await daemon.stop();
});

const head = "POST /datasets?name=x HTTP/1.1\r\nHost: localhost\r\n";
const get = (host, more = "") => `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

test("two lengths, or a length and chunks, are refused and the connection ends", async () => {
  for (const headers of ["Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 4\r\nContent-Length: 4\r\n",
    "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n"]) {
    const text = await daemon.raw(`${head}${headers}\r\nabcdGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 (400|501) /, headers);
    assert.equal(text.match(/HTTP\/1\.1 /g).length, 1, `one reply to ${headers}: ${text}`);
  }
});

test("lengths that are no numbers are refused", async () => {
  for (const length of ["-1", "0x10", "1e3", "99999999999999999999999", "4,4"])
    assert.match(await daemon.raw(`${head}Content-Length: ${length}\r\n\r\nabcd`), /^(HTTP\/1\.[01] 4|$)/, length);
});

test("a Host that is not ours is refused, addresses and given names are taken", async () => {
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:80:80", "[::1", ""])
    assert.match(await daemon.raw(get(host)), /^HTTP\/1\.1 (421|400) /, host);
  for (const host of ["localhost", "localhost:1234", "127.0.0.1", "10.0.0.7:8080", "[::1]:8080", "a.localhost", "models.example", "MODELS.example:80"])
    assert.match(await daemon.raw(get(host)), /^HTTP\/1\.1 200 /, host);
  assert.match(await daemon.raw(get("localhost", "Host: localhost\r\n")), /^HTTP\/1\.1 400 /);
});

test("a page of another site cannot change anything", async () => {
  for (const headers of [{ Origin: "http://evil.example" }, { Origin: "null" }, { "Sec-Fetch-Site": "cross-site" }, { "Sec-Fetch-Site": "same-site" }])
    assertProblem(await daemon.post("/train", { dataset: "x" }, headers), 403, /another site/);
  const own = await daemon.post("/train", { dataset: "x" }, { Origin: daemon.url, "Sec-Fetch-Site": "same-origin" });
  assertProblem(own, 404, /x/);
  assert.equal((await daemon.get("/datasets", { Origin: "http://evil.example" })).headers.get("access-control-allow-origin"), null);
});

test("a header that is too large is refused", async () => {
  const text = await daemon.raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(200000)}\r\n\r\n`);
  assert.match(text, /^HTTP\/1\.[01] (431|400|413|414) /);
  const many = await daemon.raw(`GET / HTTP/1.1\r\nHost: localhost\r\n${"X-A: b\r\n".repeat(20000)}\r\n`);
  assert.match(many, /^HTTP\/1\.[01] 4/);
  const path = await daemon.raw(`GET /${"x".repeat(5000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  assert.match(path, /^HTTP\/1\.1 414 /);
});

test("nonsense instead of HTTP closes the connection", async () => {
  for (const bytes of ["\x16\x03\x01\x02\x00\x01\x00", "hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]) {
    const text = await daemon.raw(bytes + "\r\n\r\n", undefined, true);
    assert.match(text, /^(HTTP\/1\.[01] [45]|$)/);
  }
});

test("broken chunks are refused", async () => {
  for (const chunk of ["zz\r\nabc\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "3\r\nabcdef\r\n"])
    assert.match(await daemon.raw(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`), /^HTTP\/1\.[01] 4/, chunk);
});

test("requests one after the other on one connection are answered in order", async () => {
  const one = "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n", two = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const text = await daemon.raw(one + two + get("localhost"));
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"]);
});

test("a client that takes nothing of what it asked for does not stop others", async () => {
  const csv = `a,b\n${"12345.678,2\n".repeat(100000)}`;
  assert.equal((await daemon.csv("/datasets?name=large", csv)).status, 201);
  const sockets = Array.from({ length: 8 }, () => {
    const socket = net.connect(daemon.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write("GET /datasets/large/rows?limit=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return socket;
  });
  for (let i = 0; i < 20; i++) assert.equal((await daemon.get("/healthz")).status, 200);
  for (const socket of sockets) socket.destroy();
});

test("connections above the limit wait, and get their turn", async () => {
  const sockets = await Promise.all(Array.from({ length: 80 }, () => new Promise((resolve, reject) => {
    const socket = net.connect(daemon.port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  })));
  for (const socket of sockets) socket.destroy();
  assert.equal((await daemon.get("/healthz")).status, 200);
});

test("many clients break off in the middle of uploads", async () => {
  await Promise.all(Array.from({ length: 30 }, (_, i) => new Promise((resolve) => {
    const socket = net.connect(daemon.port, "127.0.0.1");
    socket.on("error", resolve);
    socket.on("close", resolve);
    socket.write(`POST /datasets?name=cut${i} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n`);
    socket.write("1,2\n".repeat(150000), () => socket.destroy());
  })));
  // Each name comes free once the daemon has noticed.
  for (let left = 1; left > 0; ) left = (await daemon.get("/datasets")).json.datasets.filter(({ name }) => name.startsWith("cut")).length;
});
