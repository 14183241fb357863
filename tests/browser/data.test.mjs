// Tables in the page: uploaded, shown, renamed, deleted; examples; problems with the line that they are about.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
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

test("a ragged row is reported with its number and its line, and the problem goes with the next upload", async () => {
  await page.locator("#upload").setInputFiles(csv("ragged.csv", 'a,b\n1,"2\n2"\n3,4\n5\n'));
  await page.locator("[data-upload-note].bad").waitFor();
  assert.match(await page.locator("[data-upload-note]").textContent(), /ragged\.csv was not taken: row 3\b/);
  assert.deepEqual(await page.locator(".lines li").allTextContents(), ["a,b", "23,4", "35"]);
  await keep(page, "problem");
  await upload(page, csv("whole.csv", clouds(50)));
  await page.locator("[data-upload-note].bad").waitFor({ state: "hidden" });
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes("422")));
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
