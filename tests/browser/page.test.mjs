// The page in a real browser: upload, train, watch, draw.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clouds, csv, digits, draw, keep, openPage, startBrowser, startDaemon, train, upload, violations } from "./helper.mjs";

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
