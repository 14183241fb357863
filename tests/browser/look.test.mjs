// How the page looks and loads: small and big screens, light and dark, what assistive technology finds, how much is fetched.
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

const looks = [[1280, "light"], [1280, "dark"], [360, "dark"], [360, "light"]];

/** Nothing is wider than the screen, and axe-core finds nothing, at each width in each scheme. */
async function assertGood(page, name) {
  for (const [width, colorScheme] of looks) {
    await page.setViewportSize({ width, height: 740 });
    await page.emulateMedia({ colorScheme });
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name} at ${width} pixels`);
    assert.deepEqual(await violations(page), [], `${name} at ${width} pixels, ${colorScheme}`);
    await keep(page, `${name}-${width}-${colorScheme}`);
  }
}

test("with nothing there yet, every look is accessible", async () => {
  const { page, complaints } = await openPage(browser, daemon.address);
  await page.locator('[data-panel="data"] .empty').waitFor();
  await page.locator('[data-panel="watch"] .empty').waitFor();
  await assertGood(page, "nothing-yet");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("with data, a run and its settings open, every look is accessible", async () => {
  const { page, complaints } = await openPage(browser, daemon.address);
  await upload(page, csv("clouds.csv", clouds(400)));
  await train(page, "clouds", { epochs: 25, layers: [8] });
  await page.locator('#test-accuracy:text("%")').waitFor();
  await page.locator(".more summary").click();
  await assertGood(page, "trained");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("until the page can be used less than 100 KB are fetched, and next to nothing on a second visit", async () => {
  const { page, context } = await openPage(browser, "about:blank");
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  let bytes = 0;
  client.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(daemon.address, { waitUntil: "commit" });
  await page.locator("#pad").waitFor();
  assert.ok(bytes > 30_000 && bytes < 100_000, `${bytes} bytes`);
  await page.waitForLoadState("networkidle");
  bytes = 0;
  await page.reload({ waitUntil: "commit" });
  await page.locator("#pad").waitFor();
  assert.ok(bytes < 20_000, `${bytes} bytes on the second visit`);
  await context.close();
});
