// Heads that other servers on the way may read differently: each is refused and its connection ends, or it is one request to the byte. What
// follows as a body holds a request of its own, which must never be answered where the head is refused.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { Daemon } from "./daemon.mjs";

let daemon;
let strict; // libmicrohttpd 1.0 refuses most of it itself, in words of its own
before(async () => {
  daemon = await Daemon.start();
  strict = !/problem/.test(await raw(REFUSED["a folded Content-Length"]));
});
after(async () => {
  assert.equal((await daemon.get("/healthz")).status, 200);
  await daemon.stop();
});

const VERSION = "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const START = "POST /train HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const LENGTH = `Content-Length: ${VERSION.length}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const post = (headers, body = VERSION) => `${START}${headers}\r\n${body}`;
const get = (line, headers = "Host: localhost\r\n") => `${line}\r\n${headers}\r\n${VERSION}`;

/** All that comes back until the daemon closes. pieces: of how many bytes each write is. A write to a connection that is closed by then takes an answer that has not
    been read yet with it: then it is asked again, three times at most. */
async function raw(text, pieces = text.length) {
  let reply = "";
  for (let i = 0; i < 3 && !reply; i++) reply = await once(text, pieces);
  return reply;
}

function once(text, pieces) {
  const bytes = Buffer.from(text, "latin1");
  return new Promise((resolve) => {
    const socket = net.connect({ port: daemon.port, host: "127.0.0.1", noDelay: true });
    let reply = "";
    socket.on("data", (data) => (reply += data.toString("latin1")));
    socket.on("error", () => resolve(reply));
    socket.on("close", () => resolve(reply));
    const next = (at) => socket.writable && at < bytes.length && socket.write(bytes.subarray(at, at + pieces), () => setImmediate(next, at + pieces));
    next(0);
  });
}

const statuses = (reply) => (reply.match(/HTTP\/1\.1 \d+/g) ?? []).map((found) => Number(found.slice(9)));

// Refused by the daemon: one problem, and the end.
const REFUSED = {
  "a folded Content-Length": post(`Content-Length:\r\n ${VERSION.length}\r\n`),
  "a Content-Length folded with a tab": post(`Content-Length:\r\n\t${VERSION.length}\r\n`),
  "a Content-Length folded within": post(`Content-Length: ${String(VERSION.length)[0]}\r\n ${String(VERSION.length).slice(1)}\r\n`),
  "a Content-Length as another's fold": post(`X-A: b\r\n ${LENGTH}`),
  "a folded first header": `POST /train HTTP/1.1\r\n Host: localhost\r\n${LENGTH}\r\n${VERSION}`,
  "a folded Transfer-Encoding": post(`Transfer-Encoding:\r\n chunked\r\n`, `0\r\n\r\n${VERSION}`),
  "a fold that holds nothing": post(`X-A: b\r\n \r\nContent-Length: 2\r\n`, `{}${VERSION}`),
  "a fold in the last header": post(`Content-Length: 2\r\nX-A: b\r\n c\r\n`, `{}${VERSION}`),
  "a blank before the colon of Content-Length": post(`Content-Length : ${VERSION.length}\r\n`),
  "a tab before the colon of Content-Length": post(`Content-Length\t: ${VERSION.length}\r\n`),
  "a blank before the colon of Transfer-Encoding": post("Transfer-Encoding : chunked\r\n", `0\r\n\r\n${VERSION}`),
  "a blank before the colon of another": post("X-A : b\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a blank within a name": post(`Content- Length: ${VERSION.length}\r\n`),
  "no name": post(": b\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a name in brackets": post("(X): b\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a name with a slash": post("X/A: b\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a name beyond ASCII": post("X-\xe9: b\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a carriage return before a name": post(`\rContent-Length: ${VERSION.length}\r\n`),
  "a vertical tab before a name": post(`\vContent-Length: ${VERSION.length}\r\n`),
  "a NUL in a value": post("X-A: b\0c\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a NUL that hides a header": post(`X-A: b\0\0Content-Length: ${VERSION.length}\r\nContent-Length: 2\r\n`, `{}${VERSION}`),
  "a NUL that looks like the library's own": post(`X-A: b\0\0X-B\0 c\r\nContent-Length: 2\r\n`, `{}${VERSION}`),
  "a NUL at the end of a value": post("X-A: b\0\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a NUL in the Content-Length": post("Content-Length: 2\x003\r\n", `{}${VERSION}`),
  "a NUL before a name": post(`\0X-A: b\r\n${LENGTH}`),
  "a NUL in the target": get("GET /ver\0sion HTTP/1.1"),
  "a NUL in the target, as %00": get("GET /ver%00sion HTTP/1.1"),
  "a NUL in the method": get("GE\0T /version HTTP/1.1"),
  "a carriage return in a value": post("X-A: b\rc\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "two carriage returns": post("X-A: b\r\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a bell in a value": post("X-A: b\x07\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a DEL in a value": post("X-A: b\x7f\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a line that ends in LF": post(`X-A: b\nContent-Length: 2\r\n`, `{}${VERSION}`),
  "a Content-Length that ends in LF": post(`Content-Length: ${VERSION.length}\n`),
  "a request line that ends in LF": `GET /version HTTP/1.1\nHost: localhost\r\n\r\n${VERSION}`,
  "a head that ends in LF": `${START}Content-Length: 2\r\n\n{}${VERSION}`,
  "a head that ends in two LF": `${START}Content-Length: 2\n\n{}${VERSION}`,
  "all lines end in LF": `GET /version HTTP/1.1\nHost: localhost\n\n${VERSION}`,
  "two blanks before the target": get("GET  /version HTTP/1.1"),
  "two blanks after the target": get("GET /version  HTTP/1.1"),
  "a blank within the target": get("GET /ver sion HTTP/1.1"),
  "a tab within the target": get("GET /ver\tsion HTTP/1.1"),
  "a control character in the target": get("GET /ver\x01sion HTTP/1.1"),
  "a target without a slash": get("GET version HTTP/1.1"),
  "an absolute target": get("GET http://localhost/version HTTP/1.1"),
  "a target that names an authority": get("CONNECT localhost:80 HTTP/1.1"),
  "a method in brackets": get("(GET) /version HTTP/1.1"),
  "no Host": get("GET /version HTTP/1.1", ""),
  "Host twice": get("GET /version HTTP/1.1", "Host: localhost\r\nHost: localhost\r\n"),
  "Host twice, once in capitals": get("GET /version HTTP/1.1", "Host: localhost\r\nHOST: example.org\r\n"),
  "Content-Length twice": post(`Content-Length: 2\r\n${LENGTH}`),
  "Content-Length twice, the same": post(`${LENGTH}${LENGTH}`),
  "Content-Length and Transfer-Encoding": post(`${LENGTH}${CHUNKED}`, `0\r\n\r\n${VERSION}`),
  "Transfer-Encoding and Content-Length": post(`${CHUNKED}${LENGTH}`, `0\r\n\r\n${VERSION}`),
  "Transfer-Encoding twice": post(`${CHUNKED}${CHUNKED}`, `0\r\n\r\n${VERSION}`),
  "Transfer-Encoding twice, one empty": post(`Transfer-Encoding:\r\n${CHUNKED}`, `0\r\n\r\n${VERSION}`),
  "identity and chunked": post("Transfer-Encoding: identity, chunked\r\n", `0\r\n\r\n${VERSION}`),
  "chunked twice in a list": post("Transfer-Encoding: chunked, chunked\r\n", `0\r\n\r\n${VERSION}`),
  "chunked with a parameter": post("Transfer-Encoding: chunked;a=b\r\n", `0\r\n\r\n${VERSION}`),
  "another word than chunked": post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${VERSION}`),
  "chunked in quotes": post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${VERSION}`),
  "an empty Transfer-Encoding": post("Transfer-Encoding:\r\n"),
  "chunked in HTTP/1.0": `POST /train HTTP/1.0\r\nHost: localhost\r\n${CHUNKED}\r\n0\r\n\r\n${VERSION}`,
  "a Content-Length with a plus": post(`Content-Length: +${VERSION.length}\r\n`),
  "a Content-Length with a minus": post("Content-Length: -1\r\n"),
  "a Content-Length in hexadecimal": post("Content-Length: 0x10\r\n"),
  "a Content-Length with a unit": post("Content-Length: 5x\r\n"),
  "a Content-Length of two numbers": post("Content-Length: 2, 2\r\n", `{}${VERSION}`),
  "a Content-Length with a blank": post("Content-Length: 1 2\r\n"),
  "an empty Content-Length": post("Content-Length:\r\n"),
  "a Content-Length of 2^64 + 2": post("Content-Length: 18446744073709551618\r\n", `{}${VERSION}`),
  "a Content-Length of 40 digits": post(`Content-Length: ${"9".repeat(40)}\r\n`),
};

test("a head that may hide another request is refused with one problem, and its connection ends", async () => {
  for (const [name, text] of Object.entries(REFUSED))
    for (const pieces of [text.length, 7]) {
      const reply = await raw(text, pieces);
      if (strict && !reply) continue;
      assert.equal(statuses(reply).length, 1, `${name}: ${reply}`);
      assert.ok([400, 501].includes(statuses(reply)[0]) || (strict && statuses(reply)[0] === 413), `${name}: ${reply}`);
      if (!strict) assert.match(reply, /^Content-Type: application\/problem\+json\r$/m, name);
      assert.match(reply, /^Connection: close\r$/m, name);
    }
});

// Refused by the library, in words of its own or none.
const BROKEN = {
  "a line without a colon": post(`Content-Length ${VERSION.length}\r\n`),
  "a NUL in a name": post("X\0A: b\r\nContent-Length: 2\r\n", `{}${VERSION}`),
  "a line that is a blank": post(` \r\n${LENGTH}`),
  "no version": get("GET /version"),
  "a version of lower case": get("GET /version http/1.1"),
  "a version with a blank after it": get("GET /version HTTP/1.1 "),
  "a version with a NUL after it": get("GET /version HTTP/1.1\0"),
  "a version of three digits": get("GET /version HTTP/1.10"),
  "HTTP/0.9": get("GET /version HTTP/0.9"),
  "HTTP/2.0": get("GET /version HTTP/2.0"),
  "tabs in the request line": get("GET\t/version\tHTTP/1.1"),
  "a header larger than the buffer": get("GET /version HTTP/1.1", `Host: localhost\r\nX-A: ${"b".repeat(60000)}\r\n`),
  "a target larger than the buffer": get(`GET /${"b".repeat(60000)} HTTP/1.1`),
  "a chunk that is no number": post(CHUNKED, `zz\r\n{}\r\n0\r\n\r\n${VERSION}`),
  "a chunk with a sign": post(CHUNKED, `+2\r\n{}\r\n0\r\n\r\n${VERSION}`),
  "a chunk with 0x": post(CHUNKED, `0x2\r\n{}\r\n0\r\n\r\n${VERSION}`),
  "a chunk that is too long": post(CHUNKED, `2\r\n{}abc\r\n0\r\n\r\n${VERSION}`),
  "a chunk of 2^64": post(CHUNKED, `10000000000000000\r\n{}\r\n0\r\n\r\n${VERSION}`),
};

test("what the library refuses is never two requests", async () => {
  for (const [name, text] of Object.entries(BROKEN)) {
    const reply = await raw(text);
    assert.ok(statuses(reply).length <= 1 && !/"version"/.test(reply), `${name}: ${reply}`);
    assert.ok(statuses(reply).every((status) => [400, 413, 414, 431, 505].includes(status)), `${name}: ${reply}`);
  }
});

// One request, after which nothing counts: others on the way may have seen its end elsewhere.
const LAST = {
  chunks: post(CHUNKED, `2\r\n{}\r\n0\r\n\r\n${VERSION}`),
  "chunked in capitals": post("TRANSFER-ENCODING: CHUNKED\r\n", `2\r\n{}\r\n0\r\n\r\n${VERSION}`),
  "a chunk with an extension": post(CHUNKED, `2;a=b\r\n{}\r\n0\r\n\r\n${VERSION}`),
  "a chunk with LF in its extension": post(CHUNKED, `2;a\n{}\r\n0\r\n\r\n${VERSION}`),
  "chunks with LF": post(CHUNKED, `2\n{}\n0\n\n${VERSION}`),
  "a trailer that is a length": post(CHUNKED, `2\r\n{}\r\n0\r\n${LENGTH}\r\n${VERSION}`),
};

test("after chunks the connection ends", async () => {
  for (const [name, text] of Object.entries(LAST)) {
    const reply = await raw(text);
    assert.equal(statuses(reply).length, 1, `${name}: ${reply}`);
    assert.match(reply, /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/, name);
    if (!strict) assert.match(reply, /dataset/, name); // the handler's: {} names none
  }
});

const headers = (n, size) => Array.from({ length: n }, (_, i) => `X-${i}: ${"v".repeat(size)}\r\n`).join("");
const SERVED = {
  "a body": post("Content-Length: 2\r\n", `{}${VERSION}`),
  "a body that is a request": `GET /version HTTP/1.1\r\nHost: localhost\r\n${LENGTH}\r\n${VERSION}${VERSION}`,
  "no blank after the colon": get("GET /version HTTP/1.1", "Host:localhost\r\nX-A:b\r\n"),
  "tabs and blanks around values": get("GET /version HTTP/1.1", "Host: \t localhost\r\nX-A: \tb c\t \r\n"),
  "an empty value": get("GET /version HTTP/1.1", "Host: localhost\r\nX-A:\r\nX-B: \r\n"),
  "all that a name may hold": get("GET /version HTTP/1.1", "Host: localhost\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n"),
  "a value beyond ASCII": get("GET /version HTTP/1.1", "Host: localhost\r\nX-A: \xe9\xff\r\n"),
  "a colon in a value": get("GET /version HTTP/1.1", "Host: localhost:80\r\nX-A: :b:\r\n"),
  cookies: get("GET /version HTTP/1.1", 'Host: localhost\r\nCookie: a=b; c="d e"; f\r\nCookie: g=h\r\n'),
  "a query": get("GET /healthz?a=b&c=%20d+e&f HTTP/1.1"),
  "an escaped path": get("GET /%76ersion HTTP/1.1"),
  "no Host in HTTP/1.0, which keeps alive": get("GET /version HTTP/1.0", "Connection: keep-alive\r\n"),
  "a later HTTP/1": get("GET /version HTTP/1.2"),
  "an empty line before it": `\r\n${get("GET /version HTTP/1.1")}`,
  "a hundred headers": get("GET /version HTTP/1.1", `Host: localhost\r\n${headers(100, 20)}`),
  "headers of ten kilobytes": get("GET /version HTTP/1.1", `Host: localhost\r\n${headers(10, 1000)}`),
  "one of eight kilobytes": get("GET /version HTTP/1.1", `Host: localhost\r\n${headers(1, 8000)}`),
};

test("a head that is in order is one request, in however many pieces it comes, and the next one follows", async () => {
  for (const [name, text] of Object.entries(SERVED))
    for (const pieces of [text.length, 7, 1000]) {
      const reply = await raw(text, pieces);
      assert.equal(statuses(reply).length, 2, `${name}: ${reply}`);
      assert.equal(statuses(reply)[1], 200, `${name}: ${reply}`);
    }
});

test("many requests on one connection, with heads of all sizes", async () => {
  const texts = Array.from({ length: 60 }, (_, i) => `GET /version HTTP/1.1\r\nHost: localhost\r\n${headers(1 + (i % 7), (i * 37) % 900)}\r\n`);
  for (const pieces of [100000, 333]) {
    const reply = await raw(`${texts.join("")}${VERSION}`, pieces);
    assert.deepEqual(statuses(reply), Array(61).fill(200));
  }
});
