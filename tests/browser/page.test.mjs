// The page in a real browser: upload, train, watch.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clouds, csv, keep, openPage, startBrowser, startDaemon, train, upload, violations } from "./helper.mjs";

let daemon, browser;
before(async () => {
  daemon = await startDaemon();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

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

for (const [width, colorScheme] of [[360, "dark"], [360, "light"], [1280, "dark"], [1280, "light"]]) {
  test(`at ${width} pixels, ${colorScheme}, nothing is too wide and axe finds nothing`, async () => {
    const { page, complaints } = await openPage(browser, daemon.address, { viewport: { width, height: 740 }, colorScheme });
    await page.locator("#job-state:text-matches('[a-z]')").waitFor();
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    assert.deepEqual(await violations(page), []);
    await keep(page, `${width}-${colorScheme}`);
    assert.deepEqual(complaints, []);
  });
}
