// Tables in the page: uploaded, shown, renamed, deleted; examples; problems with the line that they are about.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { clouds, csv, keep, openPage, startBrowser, startDaemon, upload } from "./helper.mjs";

let daemon, browser, page, context, complaints;
before(async () => {
  daemon = await startDaemon();
  browser = await startBrowser();
  ({ page, context, complaints } = await openPage(browser, daemon.address));
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

const profile = () => page.locator('[data-panel="data"] .profile-name');

test("an example is one click away: its columns are shown with type, gaps and spread, its first rows below", async () => {
  await page.locator('[data-example="houses"]').click();
  await page.locator('.profile-name:text-is("houses")').waitFor();
  const columns = page.locator(".columns > li");
  assert.equal(await columns.count(), 7);
  assert.match(await columns.nth(3).textContent(), /age.*whole number.*missing \(\d+ %\)/);
  assert.equal(await page.locator(".columns .histogram").count(), 7);
  assert.equal(await page.locator('[data-panel="data"] tbody tr').count(), 6);
  assert.match(await page.locator("[data-curl]").textContent(), /"dataset": "houses"/);
  assert.deepEqual(complaints, []);
});

test("beside each column stands how much it tells about the one that is chosen, the daemon's own guess at first", async () => {
  const told = async (target) => (await (await fetch(`${daemon.address}/datasets/houses?target=${target}`)).json()).columns;
  const shows = async (target) => {
    await page.locator(".tie:visible").first().waitFor();
    for (const { name, association } of await told(target)) {
      const tie = page.locator(`[data-tie="${name}"]`);
      if (name === target) {
        await tie.waitFor({ state: "hidden" });
        continue;
      }
      await page.locator(`[data-tie="${name}"]:has-text("${association.toFixed(2)}")`).waitFor();
      assert.equal(await tie.locator("meter").evaluate((meter) => meter.value), association);
    }
  };
  const columns = (await told("price")).map(({ name }) => name);
  assert.equal(await page.locator("[data-ties]").inputValue(), columns.at(-1));
  await shows(columns.at(-1));
  await page.locator("[data-ties]").selectOption(columns[0]);
  await page.locator(`[data-tie="${columns[0]}"]`).waitFor({ state: "hidden" });
  assert.match(await page.locator(`[data-tie="${columns[1]}"] meter`).getAttribute("aria-label"), new RegExp(`about ${columns[0]}$`));
  assert.deepEqual(complaints, []);
});

test("why a file is not taken is said, and goes with the next upload", async () => {
  await page.locator("#upload").setInputFiles({ name: "sheet.xlsx", mimeType: "application/zip", buffer: Buffer.from("PK\x03\x04....xl/workbook.xml", "latin1") });
  await page.locator("[data-upload-note].bad").waitFor();
  assert.match(await page.locator("[data-upload-note]").textContent(), /sheet\.xlsx was not taken: .*CSV UTF-8/);
  await keep(page, "problem");
  await upload(page, csv("whole.csv", clouds(50)));
  await page.locator("[data-upload-note].bad").waitFor({ state: "hidden" });
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes("415")));
});

test("what was done to the file is shown with the first rows, all are saved, and the file is read again otherwise", async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ([10, 500, 990].includes(i) ? `${i},2,x,4` : `${i},${i % 7}`));
  await upload(page, csv("odd.csv", `id,size\n${rows.join("\n")}\n`));
  const deed = page.locator('[data-deed="too_many_fields"]');
  await deed.waitFor();
  assert.match(await deed.locator("b").textContent(), /^3 rows/);
  assert.deepEqual(await deed.locator("li").allTextContents(), ["row 11, line 1210,2,x,4", "row 501, line 502500,2,x,4", "row 991, line 992990,2,x,4"]);
  await keep(page, "reading");
  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "All of them, as CSV" }).click()]);
  assert.equal(saved.suggestedFilename(), "odd-rejects.csv");
  await page.locator("summary", { hasText: "Read the file again" }).click();
  await page.locator('[data-again] input[name="types"]').fill("size:category");
  await page.locator("[data-again] button").click();
  await page.locator('.columns > li:has-text("size"):has-text("category")').waitFor();
  assert.deepEqual((await (await fetch(`${daemon.address}/datasets/odd`)).json()).told, { types: "size:category" });
  assert.deepEqual(complaints, []);
});

test("where the name is taken, both are kept or the old one is replaced", async () => {
  await page.locator("#upload").setInputFiles(csv("whole.csv", clouds(60)));
  await page.getByRole("button", { name: "Keep both: whole-2" }).click();
  await page.locator('[data-dataset="whole-2"]').waitFor();
  await page.locator("#upload").setInputFiles(csv("whole.csv", clouds(70)));
  await page.getByRole("button", { name: "Replace" }).click();
  await page.locator('[data-dataset="whole"]:has-text("70 rows")').waitFor();
  assert.deepEqual(complaints, []);
});

test("pictures and their labels in IDX go up together, in whichever order; two tables one after the other", async () => {
  const pictures = Buffer.concat([Buffer.from([0, 0, 8, 3, 0, 0, 0, 30, 0, 0, 0, 28, 0, 0, 0, 28]), Buffer.from(Array.from({ length: 30 * 784 }, (_, i) => (i % 784 < 26 * (1 + (Math.floor(i / 784) % 10)) ? 255 : 0)))]);
  const labels = Buffer.concat([Buffer.from([0, 0, 8, 1, 0, 0, 0, 30]), Buffer.from(Array.from({ length: 30 }, (_, i) => i % 10))]);
  await page.locator("#upload").setInputFiles([
    { name: "t10k-labels-idx1-ubyte.gz", mimeType: "application/gzip", buffer: gzipSync(labels) },
    { name: "t10k-images-idx3-ubyte.gz", mimeType: "application/gzip", buffer: gzipSync(pictures) },
  ]);
  await page.locator('.profile-name:text-is("t10k")').waitFor();
  assert.deepEqual((await page.locator(".pictures figcaption").allTextContents()).slice(0, 4), ["0", "1", "2", "3"]);
  assert.equal(await page.locator("[data-ties]").count(), 0);
  await page.locator("#upload").setInputFiles([csv("one.csv", clouds(20)), csv("two.csv", clouds(30))]);
  await page.locator('.profile-name:text-is("two")').waitFor();
  await page.locator('[data-dataset="one"]:has-text("20 rows")').waitFor();
  assert.deepEqual(complaints, []);
});

test("dates are shown from the first to the last, texts that are not told apart as such", async () => {
  const days = Array.from({ length: 31 }, (_, i) => `user ${i},${String(i + 1).padStart(2, "0")}.03.2024,${i % 2}`);
  await fetch(`${daemon.address}/datasets?name=days&types=user:text`, { method: "POST", body: `user,day,y\n${days.join("\n")}\n`, headers: { "Content-Type": "text/csv" } });
  await page.reload();
  await page.locator('[data-dataset="days"] button').click();
  await page.locator('.profile-name:text-is("days")').waitFor();
  const [user, day] = await page.locator(".columns li").allTextContents();
  assert.match(day, /01\.03\.2024 to 31\.03\.2024/);
  assert.match(user, /^usertext/);
  assert.match(user, /texts that are not told apart/);
  assert.deepEqual(complaints, []);
});

/** The first n answers that fit stay on their way until release(), which resolves once they have arrived. */
async function holdBack(fits, n) {
  let letGo;
  const isFree = new Promise((resolve) => (letGo = resolve));
  const held = [];
  await page.route(fits, (route) => {
    if (held.length === n) return route.continue();
    const arrived = (async () => {
      const response = await route.fetch();
      await isFree;
      await route.fulfill({ response });
      await (await route.request().response()).finished();
    })();
    held.push(arrived);
  });
  return {
    async release() {
      letGo();
      assert.equal(held.length, n);
      await Promise.all(held);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))); // and are shown
      await page.unroute(fits);
    },
  };
}

test("an answer that comes late changes nothing that was chosen after it", async () => {
  await page.locator('[data-dataset="houses"] button').click();
  await page.locator('.profile-name:text-is("houses")').waitFor();
  const one = await holdBack(/datasets\/one\b/, 2);
  await page.locator('[data-dataset="one"] button').click();
  await page.locator('[data-dataset="two"] button').click();
  await page.locator('.profile-name:text-is("two")').waitFor();
  await one.release();
  assert.equal(await profile().textContent(), "two");

  await page.locator(".tie:visible").first().waitFor();
  const about = await holdBack(/datasets\/two\?target=east/, 1);
  await page.locator("[data-ties]").selectOption("east");
  await page.locator("[data-ties]").selectOption("north");
  await page.locator('[data-tie="north"]').waitFor({ state: "hidden" });
  await about.release();
  assert.equal(await page.locator("[data-ties]").inputValue(), "north");
  assert.ok(await page.locator('[data-tie="north"]').isHidden());

  const list = await holdBack(/\/datasets$/, 1);
  const asked = page.waitForRequest(/\/datasets$/);
  await page.evaluate(() => new BroadcastChannel("mlpd").postMessage("changed")); // as from another tab: the lists are asked for
  await asked;
  await page.locator('[data-dataset="one"] button').click();
  await page.locator('.profile-name:text-is("one")').waitFor();
  await page.locator('[data-panel="data"]').getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.locator('[data-dataset="one"]').waitFor({ state: "detached" });
  await list.release();
  assert.equal(await page.locator('[data-dataset="one"]').count(), 0);
  assert.deepEqual(complaints, []);
});

test("a dataset is deleted after a question, and another is shown", async () => {
  await page.locator('[data-dataset="whole-2"] button').click();
  await page.locator('.profile-name:text-is("whole-2")').waitFor();
  await page.locator('[data-panel="data"]').getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.locator('[data-dataset="whole-2"]').waitFor({ state: "detached" });
  await page.locator('.profile-name:not(:text-is("whole-2"))').waitFor();
  assert.notEqual(await profile().textContent(), "");
});

test("everything is reached by keyboard: a dataset is chosen and a run started without a mouse", async () => {
  await page.locator('[data-dataset="houses"] button').focus();
  await page.keyboard.press("Enter");
  await page.locator('.profile-name:text-is("houses")').waitFor();
  await page.locator('[data-field="epochs"]').focus();
  await page.keyboard.type("5");
  await page.keyboard.press("Enter");
  await page.locator('#job-state:text-is("succeeded")').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});
