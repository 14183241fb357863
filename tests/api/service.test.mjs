// What those who run the service see: health, versions, routes that are not there, static files, start and end.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Daemon, assertProblem, run, stateFolder } from "./daemon.mjs";

const page = stateFolder();
writeFileSync(path.join(page, "index.html"), "<!doctype html><title>page</title>");
writeFileSync(path.join(page, "app.js"), "export const one = 1;\n".repeat(50));
writeFileSync(path.join(page, "app.js.gz"), gzipSync("export const one = 1;\n".repeat(50)));
writeFileSync(path.join(page, ".secret"), "hidden");
mkdirSync(path.join(page, "panels"));
writeFileSync(path.join(page, "panels", "a.css"), "p{}");
symlinkSync("/etc", path.join(page, "panels", ".etc"));

let daemon;
before(async () => (daemon = await Daemon.start({ flags: [`--static-dir=${page}`] })));
after(() => daemon.stop());

test("health, readiness and version answer", async () => {
  assert.deepEqual((await daemon.get("/healthz")).json, { status: "ok" });
  assert.equal((await daemon.get("/readyz")).status, 200);
  const { json } = await daemon.get("/version");
  assert.equal(json.name, "mlpd");
  assert.match(json.version, /^\d+\.\d+/);
  assert.match(json.commit, /^([0-9a-f]{7,}(-dirty)?|unknown)$/);
  assert.match(json.kernels, /^(avx512|avx2|generic)$/);
  assert.match((await daemon.get("/metrics")).text, new RegExp(`^mlpd_build_info\\{version="${json.version}",commit="${json.commit}",`, "m"));
});

test("the first line of the log and --version name version and commit", async () => {
  const other = await Daemon.start({ flags: ["--log-level=info"] });
  const { version, commit } = (await other.get("/version")).json;
  await other.stop();
  const name = `mlpd ${version}, commit ${commit}`;
  assert.ok(other.log.split("\n")[0].endsWith(name), other.log.split("\n")[0]);
  assert.equal((await run(["--version"])).stdout, `${name}\n`);
});

test("every thread has the name that docs/architecture.md gives it", async () => {
  const other = await Daemon.start({ flags: ["--threads=2", "--scrub-rate=20MB"] });
  const names = () => readdirSync(`/proc/${other.child.pid}/task`).map((task) => readFileSync(`/proc/${other.child.pid}/task/${task}/comm`, "utf8").trim());
  const rows = Array.from({ length: 200 }, (_, i) => `${i},${i % 7},${i % 2 ? "a" : "b"}`).join("\n");
  const job = (await other.csv("/train?name=t&model=t&target=c&epochs=100000&batch_size=1", `x,y,c\n${rows}\n`)).json;
  await other.epoch(job.id);
  const now = names();
  await other.stop();
  const table = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8").split("## Threads and locks")[1];
  const documented = [...table.matchAll(/^\|.*\| ([a-z, ]+) \|$/gm)].flatMap(([, cell]) => cell.split(", "));
  for (const name of now) assert.ok(documented.includes(name), `"${name}" is in the table`);
  for (const name of ["http", "watch", "interactive", "bulk", "streams", "scheduler", "worker", "writer", "saver", "scrub"])
    assert.ok(now.includes(name), `there is a thread "${name}" among ${now}`);
  // A sanitizer has a thread of its own, under the program's name.
  if (!process.env.MLPD_HTTP_THREADS) assert.equal(now.filter((name) => name === "mlpd").length, 1);
});

test("metrics are Prometheus text", async () => {
  const { text, headers } = await daemon.get("/metrics");
  assert.match(headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  for (const line of text.trimEnd().split("\n")) assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [\d.e+]+)$/);
  assert.match(text, /^mlpd_http_requests_total [1-9]/m);
});

test("a path that is not there is 404 and is named", async () => {
  assertProblem(await daemon.get("/nothing/here"), 404, /\/nothing\/here/);
  assertProblem(await daemon.call("POST", "/nothing"), 404, /\/nothing/);
  assertProblem(await daemon.get("/jobs/99"), 404, /99/);
  assertProblem(await daemon.get("/jobs/iris"), 404, /iris/);
  assertProblem(await daemon.get("/models/ghost"), 404, /ghost/);
  assertProblem(await daemon.get("/datasets/ghost"), 404, /ghost/);
});

test("a method that is not there is 405 with Allow", async () => {
  const reply = await daemon.call("PUT", "/datasets", "x");
  assertProblem(reply, 405, /PUT/);
  assert.equal(reply.headers.get("allow"), "GET, HEAD, POST, OPTIONS");
  const options = await daemon.call("OPTIONS", "/jobs/1/cancel");
  assert.equal(options.status, 204);
  assert.equal(options.headers.get("allow"), "POST, OPTIONS");
});

test("HEAD is GET without a body", async () => {
  const head = await daemon.call("HEAD", "/datasets");
  assert.equal(head.status, 200);
  assert.equal(head.text, "");
});

test("the page comes with its type, a policy and an ETag that saves the second transfer", async () => {
  const reply = await daemon.get("/");
  assert.equal(reply.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(reply.headers.get("content-security-policy"), /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
  const again = await daemon.get("/", { "If-None-Match": reply.headers.get("etag") });
  assert.equal(again.status, 304);
  assert.equal((await daemon.get("/panels/a.css")).headers.get("content-type"), "text/css; charset=utf-8");
});

test("a compressed copy is sent to those who take it, with another ETag", async () => {
  const gzip = await daemon.get("/app.js", { "Accept-Encoding": "gzip" });
  assert.equal(gzip.headers.get("content-encoding"), "gzip");
  assert.match(gzip.text, /^export const one/);
  const plain = await daemon.get("/app.js", { "Accept-Encoding": "gzip;q=0, identity" });
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(plain.text, gzip.text);
  assert.notEqual(plain.headers.get("etag"), gzip.headers.get("etag"));
});

test("a compressed copy is no page of its own", async () => {
  for (const where of ["/app.js.gz", "/app.js.br", "/index.html.gz"]) assertProblem(await daemon.get(where), 404, /nothing at/);
  assertProblem(await daemon.get("/app.js.gz", { "Accept-Encoding": "gzip" }), 404, /nothing at/);
});

test("no path leads out of the page's folder or to hidden files", async () => {
  const paths = ["/../../etc/passwd", "/panels/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd",
    "/.secret", "/panels/.etc/passwd", "/panels/", "/panels", "/.", "/a%5c..%5cb"];
  for (const where of paths) {
    const text = await daemon.raw(`GET ${where} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    assert.match(text, /^HTTP\/1\.1 404 /, where);
    assert.doesNotMatch(text, /root:|hidden/, where);
  }
});

test("wrong settings end the daemon with the setting, its value and what is expected", async () => {
  const cases = [
    [["--listen=nowhere"], {}, /--listen.*nowhere.*ADDRESS:PORT/],
    [["--listen=127.0.0.1:99999"], {}, /--listen.*99999.*0 to 65535/],
    [[], { MLPD_THREADS: "none" }, /MLPD_THREADS.*none.*whole number from 1/],
    [["--max-body=big"], {}, /--max-body.*big.*size, as 20GB/],
    [["--log-level=loud"], {}, /--log-level.*loud.*error, warning, info or debug/],
    [["--config=/nonexistent/file"], {}, /\/nonexistent\/file.*No such file/],
  ];
  for (const [flags, env, words] of cases) {
    const { code, stderr } = await run(flags, env);
    assert.equal(code, 2, stderr);
    assert.match(stderr, words);
  }
});

test("a flag comes before the environment, the environment before the file", async () => {
  const file = path.join(stateFolder(), "mlpd.conf");
  writeFileSync(file, "# settings\nthreads = 3\nlog-level = error\n");
  const threads = async (flags, env) => {
    const other = await Daemon.start({ flags: ["--log-level=info", `--config=${file}`, ...flags], env });
    const { json } = await other.get("/version");
    await other.stop();
    return json.threads;
  };
  assert.equal(await threads([], {}), 3);
  assert.equal(await threads([], { MLPD_THREADS: "2" }), 2);
  assert.equal(await threads(["--threads=1"], { MLPD_THREADS: "2" }), 1);
  writeFileSync(file, "thread = 3\n");
  const { code, stderr } = await run([`--config=${file}`]);
  assert.equal(code, 2);
  assert.match(stderr, /line 1.*thread/);
});

test("two daemons cannot share a state folder", async () => {
  const { code, stderr } = await run(["--listen=127.0.0.1:0", `--state-dir=${daemon.state}`]);
  assert.equal(code, 1);
  assert.match(stderr, /another mlpd.*--state-dir/);
});

test("a port that is taken is named", async () => {
  const { code, stderr } = await run([`--listen=127.0.0.1:${daemon.port}`, `--state-dir=${stateFolder()}`]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${daemon.port}.*--listen`));
});

for (const signal of ["SIGTERM", "SIGINT"])
  test(`${signal} ends the daemon cleanly, with streams and idle connections open`, async () => {
    const other = await Daemon.start();
    await other.csv("/datasets?name=d", "a,b\n" + "1,2\n3,4\n".repeat(50));
    const { json: job } = await other.post("/train", { dataset: "d", target: "b", task: "regression", epochs: 100000 });
    await other.epoch(job.id);
    const stream = other.events(job.id).catch((error) => error);
    await other.stop(signal);
    await stream;
  });

test("openapi.json speaks of every route, and of none that is not there", async () => {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
  const document = JSON.parse(readFileSync(path.join(root, "static/openapi.json"), "utf8"));
  const described = Object.entries(document.paths).flatMap(([where, item]) =>
    ["get", "post", "put", "patch", "delete"].filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${where}`),
  );
  const table = readFileSync(path.join(root, "server/api/routes.c"), "utf8");
  const routes = [...table.matchAll(/\.method = "(\w+)",\s+\.pattern = "([^"]+)"/g)].map(([, method, where]) => `${method} ${where}`);
  const page = ["GET /", "GET /openapi.json"]; // files of the page's folder, behind the table's GET /*
  assert.deepEqual(described.sort(), routes.filter((route) => route !== "GET /*").concat(page).sort());
  const names = new Set(Object.keys(document.components.schemas));
  for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)) assert.ok(names.has(name), name);
});
