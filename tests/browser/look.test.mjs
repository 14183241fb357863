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

/** Bytes that came over the network so far, headers included: of the page itself, and of the daemon's answers about its data. */
function fetched(page) {
  return page.evaluate(() => {
    const entries = /** @type {PerformanceResourceTiming[]} */ ([...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]);
    const sum = (list) => list.reduce((bytes, { transferSize }) => bytes + transferSize, 0);
    return { files: sum(entries.filter(({ initiatorType }) => initiatorType !== "fetch")), data: sum(entries.filter(({ initiatorType }) => initiatorType === "fetch")) };
  });
}

test("until the page can be used less than 100 KB are fetched, and next to nothing on a second visit", async () => {
  const { page, context } = await openPage(browser, "about:blank");
  await page.goto(daemon.address, { waitUntil: "commit" });
  await page.locator("#pad").waitFor();
  await page.waitForLoadState("networkidle"); // all that comes by itself, what is further down is fetched when one goes there
  const first = await fetched(page);
  assert.ok(first.files > 30_000 && first.files + first.data < 100_000, JSON.stringify(first));
  await page.reload({ waitUntil: "commit" });
  await page.locator("#pad").waitFor();
  const second = await fetched(page);
  assert.ok(second.files < 20_000, JSON.stringify(second)); // data is asked for anew each time, as much as there is
  console.log(`# first visit ${JSON.stringify(first)}, second ${JSON.stringify(second)}`);
  await context.close();
});
