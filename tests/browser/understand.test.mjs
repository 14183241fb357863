// What a model gets right and wrong, and a model's page, in a real browser.
import assert from "node:assert/strict";
import { readdirSync, unlinkSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { digits, keep, openPage, startBrowser, startDaemon, teach, violations } from "./helper.mjs";

let daemon, browser;
before(async () => {
  daemon = await startDaemon();
  browser = await startBrowser();
  await teach(daemon.address, "pictures", digits(1500), { target: "label", model: "digits", layers: [32], epochs: 3, test_split: 0.3 });
  await teach(daemon.address, "fruit", fruit(300), { target: "kind", model: "fruit", layers: [16], epochs: 30, test_split: 0.3 });
  await teach(daemon.address, "prices", prices(300), { target: "price", model: "prices", layers: [16], epochs: 30, test_split: 0.3 });
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** Three kinds by weight, colour and a date that says nothing; drawn by a fixed rule. */
function fruit(n) {
  const kinds = [
    ["apple", "red", 150],
    ["lime", "green", 60],
    ["plum", "red", 70],
  ];
  const rows = Array.from({ length: n }, (_, i) => {
    const [kind, colour, weight] = kinds[i % 3];
    return `${weight + ((i * 7) % 23)},${i % 19 ? colour : "blue"},${(i * 5) % 11},${kind}`;
  });
  return ["weight,colour,noise,kind", ...rows].join("\n") + "\n";
}

function prices(n) {
  const rows = Array.from({ length: n }, (_, i) => `${i % 17},${(i * 3) % 7},${(2.5 * (i % 17) - ((i * 3) % 7) + 0.37).toFixed(2)}`);
  return ["size,age,price", ...rows].join("\n") + "\n";
}

const panel = (page, name) => page.locator(`[data-panel="${name}"]`);

/** A page at the address' section, which is fetched as it comes near. */
async function open(hash, options) {
  const opened = await openPage(browser, `${daemon.address}/#${hash}`, options);
  await panel(opened.page, hash.split("?")[0]).scrollIntoViewIfNeeded();
  return opened;
}

test("a cell of the confusion matrix shows its pictures, with label and guess", async () => {
  const { page, complaints } = await open("understand?model=digits");
  await panel(page, "understand").scrollIntoViewIfNeeded();
  await page.locator("[data-summary]:text('right on 450 rows that it never saw')").waitFor();
  assert.equal(await page.locator(".matrix tbody tr").count(), 10);
  const wrong = page.locator(".matrix td.wrong [data-cell]").first();
  const [, label, guess, n] = (await wrong.getAttribute("aria-label")).match(/^(\d) guessed as (\d): (\d+) row/);
  await wrong.click();
  await page.locator(`h3:text-is("${label}, guessed as ${guess}")`).waitFor();
  await page.locator(".gallery li").first().waitFor();
  assert.equal(await page.locator(".gallery li").count(), Math.min(24, Number(n)));
  assert.deepEqual([...new Set(await page.locator(".gallery .said").allTextContents())], [`${label} → ${guess}`]);
  assert.equal(await wrong.getAttribute("aria-pressed"), "true");
  assert.match(page.url(), /cell=/);
  const ink = await page
    .locator(".gallery canvas")
    .first()
    .evaluate((canvas) =>
      Math.max(
        ...canvas
          .getContext("2d")
          .getImageData(0, 0, 28, 28)
          .data.filter((_, i) => i % 4 === 0),
      ),
    );
  assert.ok(ink > 200, "the row's own picture is shown");
  await keep(page, "understand-cell");
  await page.locator("[data-all]").click();
  await page.locator('h3:text-is("Worst mistakes first")').waitFor();
  assert.deepEqual(complaints, []);
});

test("the worst mistakes come first, and the address brings a cell back", async () => {
  const { page } = await open("understand?model=digits");
  await page.locator(".gallery li").first().waitFor();
  assert.equal(await page.locator(".gallery li").first().getAttribute("class"), "wrong");
  const cell = await page.locator(".matrix td.wrong [data-cell]").last().getAttribute("data-cell");
  await page.goto(`${daemon.address}/#understand?model=digits&cell=${cell}`);
  await page.reload();
  await page.locator(`[data-cell="${cell}"][aria-pressed="true"]`).waitFor();
});

test("the first layer's weights are pictures", async () => {
  const { page } = await open("understand?model=digits");
  await page.locator('[data-block="layer"] canvas').first().waitFor();
  assert.equal(await page.locator('[data-block="layer"] canvas').count(), 32);
  await keep(page, "understand-digits");
});

test("a table's rows are shown with their columns, the columns by what they are worth", async () => {
  const { page, complaints } = await open("understand?model=fruit");
  await page.locator('[data-block="importance"] li').first().waitFor();
  await page.locator('[data-block="samples"] tbody tr').first().waitFor(); // the rows are asked for after the scores
  const columns = await page.locator('[data-block="importance"] .name').allTextContents();
  assert.equal(columns.length, 3);
  assert.notEqual(columns[0], "noise");
  assert.deepEqual((await page.locator('[data-block="samples"] thead th').allTextContents()).slice(4), columns);
  await page.locator('[data-cell="0,0"]').click();
  await page.locator('h3:text-is("apple, guessed right")').waitFor();
  assert.deepEqual(complaints, []);
});

test("of a cancelled model, whose columns nobody has weighed, the rows are shown with all of them", async () => {
  const job = await (await fetch(`${daemon.address}/train`, { method: "POST", body: JSON.stringify({ dataset: "fruit", target: "kind", model: "cut", layers: [16], epochs: 100000, test_split: 0.3 }) })).json();
  const events = (await fetch(`${daemon.address}/jobs/${job.id}/events`)).body.pipeThrough(new TextDecoderStream());
  for await (const text of events) if (text.includes("event: epoch")) break;
  assert.ok((await fetch(`${daemon.address}/jobs/${job.id}/cancel`, { method: "POST" })).ok);
  await (await fetch(`${daemon.address}/jobs/${job.id}/events`)).text(); // to its end
  const { page, complaints } = await open("understand?model=cut");
  await page.locator('[data-block="samples"] tbody tr').first().waitFor();
  assert.deepEqual((await page.locator('[data-block="samples"] thead th').allTextContents()).slice(4), ["weight", "colour", "noise"]);
  assert.ok(await page.locator('[data-block="importance"]').isHidden());
  assert.deepEqual(complaints, []);
});

test("a regression is shown as points and its worst rows", async () => {
  const { page, complaints } = await open("understand?model=prices");
  await page.locator(".scatter circle").first().waitFor({ state: "attached" });
  assert.equal(await page.locator(".scatter circle").count(), 90);
  assert.match(await page.locator("[data-summary]").textContent(), /R² .* on 90 rows/);
  await keep(page, "understand-regression");
  assert.deepEqual(complaints, []);
});

test("a form made from the recipe asks the model while one types", async () => {
  const { page, complaints } = await open("models?model=fruit");
  await page.locator("[data-predict-form] select[name=colour]").selectOption("red");
  await page.locator("[data-predict-form] input[name=weight]").fill("165");
  await page.locator('[data-prediction]:text-is("apple")').waitFor();
  await page.locator("[data-predict-form] input[name=weight]").fill("72");
  await page.locator('[data-prediction]:text-is("plum")').waitFor();
  await keep(page, "model-page");
  assert.deepEqual(complaints, []);
});

test("a version whose file is gone is shown as damaged", async () => {
  for (const epochs of [1, 2]) await teach(daemon.address, `torn-${epochs}`, fruit(60), { target: "kind", model: "torn", epochs });
  const files = readdirSync(path.join(daemon.state, "models")).filter((name) => name.endsWith(".model"));
  const newest = files.sort((a, b) => Number.parseInt(b) - Number.parseInt(a))[0];
  unlinkSync(path.join(daemon.state, "models", newest));
  const { page, complaints } = await open("models?model=torn");
  await page.locator('[data-damaged="2"]:text-is("File damaged")').waitFor();
  assert.equal(await page.locator("[data-damaged]").count(), 1);
  assert.deepEqual(complaints, []);
});

test("a model is rolled back to an earlier version, renamed and deleted", async () => {
  for (const epochs of [1, 2]) await teach(daemon.address, `kinds-${epochs}`, fruit(60), { target: "kind", model: "kinds", epochs });
  const { page } = await open("models?model=kinds");
  await page.locator('[data-promote="1"]').click();
  await page.locator('.served:text-is("promoted")').waitFor();
  assert.equal((await (await fetch(`${daemon.address}/models/kinds`)).json()).promoted, 1);
  await page.locator('[data-promote=""]').click();
  await page.locator('.served:text-is("newest")').waitFor();
  await page.locator("[data-model-rename]").click();
  await page.locator("dialog input").fill("sorts");
  await page.locator('dialog button[value="yes"]').click();
  await page.locator('[data-model-name]:text-is("sorts")').waitFor();
  await page.locator("[data-model-remove]").click();
  await page.locator('dialog button[value="yes"]').click();
  await page.locator('[data-model="sorts"]').waitFor({ state: "detached" });
  assert.equal((await fetch(`${daemon.address}/models/sorts`)).status, 404);
});

for (const [width, colorScheme] of [
  [360, "dark"],
  [1280, "light"],
]) {
  test(`understand and models at ${width} pixels, ${colorScheme}: axe finds nothing, nothing is too wide`, async () => {
    const { page, complaints } = await open("understand?model=fruit", { viewport: { width, height: 740 }, colorScheme });
    for (const name of ["understand", "models"]) {
      await panel(page, name).scrollIntoViewIfNeeded();
      await panel(page, name).locator("table").first().waitFor();
      assert.ok(await panel(page, name).evaluate((element) => element.scrollWidth <= element.clientWidth), name);
      assert.deepEqual(await violations(page, `[data-panel="${name}"]`), []);
    }
    await keep(page, `understand-${width}-${colorScheme}`);
    assert.deepEqual(complaints, []);
  });
}
