// Runs in the page: curves that move, reload, a second tab, pause and cancel, comparison, a daemon that goes away and comes back.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { clouds, csv, digits, keep, openPage, start, startBrowser, startDaemon, train, upload } from "./helper.mjs";

let daemon, browser;
before(async () => {
  daemon = await startDaemon();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

const epochOf = async (page) => Number(await page.locator("#epoch").textContent());
const drawn = async (page) => Number((await page.locator(".chart-box").first().getAttribute("aria-label"))?.match(/over (\d[\d,]*) epoch/)?.[1].replace(",", "") ?? 0);
/** In per cent, once the page shows it: it asks for it when the job has ended. */
async function accuracyOf(page) {
  const shown = page.locator('#test-accuracy:text("%")');
  await shown.waitFor();
  return parseFloat(await shown.textContent());
}
const isState = (page, state) => page.locator(`#job-state:text-is("${state}")`).waitFor();
/** Resolves once the curve holds more than so many epochs. */
async function drawnPast(page, n) {
  await page.locator(".chart-box[aria-label]").first().waitFor();
  await page.evaluate(
    (least) =>
      new Promise((resolve) => {
        const box = document.querySelector(".chart-box");
        const check = () => Number(box.getAttribute("aria-label").match(/over ([\d,]+) epoch/)[1].replace(",", "")) > least && resolve();
        new MutationObserver(check).observe(box, { attributes: true });
        check();
      }),
    n,
  );
}

test("an uploaded table is trained on, its epochs are drawn, its accuracy is shown, and all of it again after a reload", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("first.csv", clouds(400)));
  await train(page, "first", { epochs: 25, model: "sides", layers: [8] });
  assert.equal(await epochOf(page), 25);
  const accuracy = await accuracyOf(page);
  assert.ok(accuracy > 95, `${accuracy} %`);
  await page.locator(".chart canvas").nth(1).waitFor();
  await page.reload();
  await isState(page, "succeeded");
  await drawnPast(page, 24);
  assert.equal(await epochOf(page), 25);
  assert.equal(await drawn(page), 25);
  assert.deepEqual(complaints, []);
  await context.close();
});

const IRIS = new URL("../../docs/iris.csv", import.meta.url);

test("iris goes up through the page and is trained on with nothing else said", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("iris.csv", readFileSync(IRIS, "utf8")));
  await train(page, "iris", {});
  const accuracy = await accuracyOf(page);
  assert.ok(accuracy > 85, `${accuracy} %`);
  await keep(page, "iris");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("all of MNIST's training pictures go up through the page and are trained on", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("mnist.csv", digits(60000)));
  await page.locator('[data-dataset="mnist"]:has-text("60,000 rows")').waitFor();
  await train(page, "mnist", { epochs: 3, layers: [128, 64] });
  const accuracy = await accuracyOf(page);
  assert.ok(accuracy > 94, `${accuracy} %`);
  await keep(page, "mnist");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a curve moves while the job runs, is whole after a reload and in a second tab, pauses, goes on, and is cancelled", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("pictures.csv", digits(3000)));
  await page.locator(".pictures canvas").first().waitFor();
  assert.equal(await page.locator(".pictures canvas").count(), 20, "rows of pixels are shown as pictures");
  await start(page, "pictures", { epochs: 5000, layers: [128, 64] });
  await isState(page, "running");
  await drawnPast(page, 3);
  const before = await drawn(page);
  await drawnPast(page, before);
  await isState(page, "running");
  await keep(page, "running");

  await page.reload();
  await drawnPast(page, before);
  assert.ok((await drawn(page)) >= before, "the curve is whole after a reload");
  await isState(page, "running");

  const second = await context.newPage();
  await second.goto(`${daemon.address}#watch`); // a curve below the screen is drawn when one goes there
  await drawnPast(second, before);

  await page.locator("[data-pause]").click();
  await isState(page, "paused");
  await isState(second, "paused");
  const paused = await epochOf(page);
  await page.locator("[data-resume]").click();
  await isState(page, "running");
  await drawnPast(page, paused);
  await second.locator("[data-cancel]").click();
  await isState(page, "cancelled");
  await isState(second, "cancelled");
  assert.equal(await page.locator("[data-cancel]").isVisible(), false);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a thousand epochs that end within a second are all drawn", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("clouds.csv", clouds(300)));
  await train(page, "clouds", { epochs: 1000, layers: [4] });
  assert.equal(await epochOf(page), 1000);
  await drawnPast(page, 999);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("two runs are laid over each other, and what differs is listed", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("sides.csv", clouds(200)));
  await train(page, "sides", { epochs: 30, layers: [4] });
  const first = new URLSearchParams(new URL(page.url()).hash.split("?")[1]).get("job");
  await train(page, "sides", { epochs: 40, layers: [4, 3] });
  await page.locator(`[data-compare="${first}"]`).check();
  const table = page.locator("[data-differences] table");
  await table.waitFor();
  const rows = await table.locator("tbody tr").allTextContents();
  assert.deepEqual(rows.slice(0, 2), ["layers4 relu, 3 relu4 relu", "epochs4030"]);
  assert.equal(await page.locator(".legend-lines").first().locator("li").count(), 4, "train and validation of both");
  await keep(page, "compared");
  await page.reload();
  await table.waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what is folded away goes into the request: class weights, and a model to go on from", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("further.csv", clouds(200)));
  await train(page, "further", { epochs: 3, layers: [4] });
  await page.reload();
  await page.locator(".more summary").click();
  await page.locator('[data-field="class_weight"]').selectOption("balanced");
  await train(page, "further", { from: "further", epochs: 2 });
  const { jobs } = await (await fetch(`${daemon.address}/jobs?limit=1`)).json();
  const job = await (await fetch(`${daemon.address}/jobs/${jobs[0].id}`)).json();
  assert.deepEqual([job.request.from, job.request.class_weight, job.version, job.epoch], ["further", "balanced", 2, 2]);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a run is named, and deleted after a question", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("named.csv", clouds(100)));
  await train(page, "named", { epochs: 5 });
  const panel = page.locator('[data-panel="watch"]');
  await panel.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("the first try");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await panel.locator('.run-name:text-is("the first try")').waitFor();
  await panel.getByRole("button", { name: "Delete" }).click();
  await page.keyboard.press("Escape");
  await panel.locator('.run-name:text-is("the first try")').waitFor();
  await panel.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await panel.locator('.runs b:text-is("the first try")').waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a run that is cancelled in its first epoch is said to leave no model", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("wide.csv", digits(2000)));
  const body = JSON.stringify({ dataset: "wide", target: "label", layers: [4096, 4096], batch_size: 8, epochs: 100 });
  const { id } = await (await fetch(`${daemon.address}/train`, { method: "POST", body })).json();
  await page.goto(`${daemon.address}#watch?job=${id}`);
  await isState(page, "running");
  await page.locator("[data-cancel]").click();
  await isState(page, "cancelled");
  await page.getByText("there is no model").waitFor();
  assert.equal(await epochOf(page), 0);
  await context.close();
  assert.deepEqual(complaints, []);
});

test("when the daemon goes away the page says so, and goes on by itself once it is back", async () => {
  const { page, context, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("lasting.csv", digits(2000)));
  await start(page, "lasting", { epochs: 5000, layers: [64] });
  await drawnPast(page, 2);
  await daemon.end("SIGKILL");
  await page.locator("[data-gone]:visible").waitFor();
  await keep(page, "gone");
  const before = await drawn(page);
  await daemon.begin();
  await page.locator("[data-gone]").waitFor({ state: "hidden" });
  await drawnPast(page, before);
  await page.locator("[data-cancel]").click();
  await isState(page, "cancelled");
  assert.deepEqual(complaints.filter((words) => !/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET/.test(words)), []);
  await context.close();
});
