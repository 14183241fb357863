// Drawing digits in a real browser: by mouse, finger, pen and keyboard; what is shown of the guess; corrections; how long a guess takes.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { digits, draw, keep, openPage, startBrowser, startDaemon, teach, violations } from "./helper.mjs";

const ONE = [
  [
    [0.5, 0.2],
    [0.5, 0.8],
  ],
];
const ZERO = [Array.from({ length: 26 }, (_, i) => [0.5 + 0.2 * Math.sin(i / 3.97), 0.5 - 0.3 * Math.cos(i / 3.97)])];
const SEVEN = [
  [
    [0.25, 0.25],
    [0.72, 0.25],
    [0.45, 0.8],
  ],
];
const REAL = new URL("../../../shared/data/strokes-uji2/digits.ndjson.gz", import.meta.url);

let daemon, browser;
before(async () => {
  daemon = await startDaemon();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** The guess once it is about all that was drawn. */
const guessOf = (page) =>
  page.locator("#guess").evaluate(
    (guess) =>
      new Promise((resolve) => {
        const look = () => guess.dataset.drawing === document.querySelector("#pad").dataset.drawing && resolve(guess.textContent);
        new MutationObserver(look).observe(guess, { attributeFilter: ["data-drawing"] });
        look();
      }),
  );

/** How many pixels of the picture beside the pad hold ink. */
const inked = (page) =>
  page.locator("[data-picture]").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
    return data.filter((grey, i) => i % 4 === 0 && grey > 100).length;
  });

/** How many pixels of the pad hold ink; read from a copy, for a canvas that is read often is drawn differently. */
const padInk = (page) =>
  page.locator("#pad").evaluate((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, canvas.width, canvas.height).data.filter((alpha, i) => i % 4 === 3 && alpha > 100).length;
  });

async function openPad(options) {
  const opened = await openPage(browser, daemon.address, options);
  await opened.page.locator('#guess-note:text("digits")').waitFor();
  return opened;
}

test("without a model for pictures the page says so, and ink is drawn all the same", async () => {
  const { page, complaints } = await openPage(browser, daemon.address);
  await page.locator('#guess-note:text("no model")').waitFor();
  await draw(page, ONE);
  assert.equal(await page.locator("#guess").textContent(), "");
  assert.ok((await padInk(page)) > 100);
  await keep(page, "draw-no-model");
  assert.deepEqual(complaints, []);
});

test("a digit drawn by mouse is recognised while the button is down", async () => {
  await teach(daemon.address, "pictures", digits(6000), { target: "label", model: "digits", layers: [64], epochs: 8, validation_split: 0 });
  const { page, complaints } = await openPad();
  assert.equal(await page.locator("#guess").textContent(), "");
  for (const [digit, strokes] of [
    ["1", ONE],
    ["0", ZERO],
    ["7", SEVEN],
  ]) {
    await draw(page, strokes, { isLifted: false });
    assert.equal(await guessOf(page), digit);
    assert.match(await page.locator("[data-bars] li.best").textContent(), new RegExp(`^${digit}\\d`));
    assert.ok((await inked(page)) > 4, "the picture is shown with the guess");
    await page.mouse.up();
    await keep(page, `drawn-${digit}`);
    await page.locator("#clear").click();
    await page.locator("#guess:empty").waitFor({ state: "attached" });
    assert.equal((await inked(page)) + (await padInk(page)), 0);
  }
  assert.deepEqual(complaints, []);
});

test("every move of the hand is one point of the stroke, though the browser tells of it twice", async () => {
  const { page, complaints } = await openPad();
  let last;
  page.on("request", (request) => request.url().endsWith("/predict") && (last = request.postDataJSON()));
  const places = Array.from({ length: 21 }, (_, i) => 0.2 + 0.03 * i);
  const box = await page.locator("#pad").boundingBox();
  const browserSide = await page.context().newCDPSession(page);
  const move = (y) =>
    browserSide.send("Input.dispatchMouseEvent", {
      type: "mouseMoved",
      button: "left",
      buttons: 1,
      x: box.x + box.width / 2,
      y: box.y + y * box.height,
    });
  await page.mouse.move(box.x + box.width / 2, box.y + places[0] * box.height);
  await page.mouse.down();
  await Promise.all(places.slice(1).map(move)); // several between two frames, as from a quick hand
  await page.mouse.up();
  await guessOf(page);
  const drawn = last.strokes.map((stroke) => stroke.map(([, y]) => Math.round(y / 100) / 100));
  assert.deepEqual(drawn, [places.map((y) => Math.round(100 * y) / 100)]);
  await page.locator("#clear").click();
  assert.deepEqual(complaints, []);
});

test("undo takes the last stroke back, and the guess with it", async () => {
  const { page } = await openPad();
  await draw(page, ONE);
  assert.equal(await guessOf(page), "1");
  const before = [await inked(page), await padInk(page)];
  await draw(page, [
    [
      [0.2, 0.2],
      [0.8, 0.8],
    ],
    [
      [0.8, 0.2],
      [0.2, 0.8],
    ],
  ]);
  await guessOf(page);
  assert.ok((await inked(page)) > before[0]);
  await page.locator("[data-undo]").click();
  await page.locator("[data-undo]").click();
  assert.equal(await guessOf(page), "1");
  assert.equal(await inked(page), before[0]);
  assert.ok(Math.abs((await padInk(page)) - before[1]) < 0.1 * before[1], "the pad shows the first stroke alone");
});

test("a digit drawn by finger on a phone is recognised, and the page does not scroll", async () => {
  const { page, context, complaints } = await openPad({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
    colorScheme: "dark",
  });
  const { x, y, width } = await page.locator("#pad").boundingBox();
  const touch = await context.newCDPSession(page);
  const at = ([u, v]) => [{ x: x + u * width, y: y + v * width }];
  for (const [first, ...rest] of SEVEN) {
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at(first) });
    for (const point of rest) await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: at(point) });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  }
  assert.equal(await guessOf(page), "7");
  assert.equal(await page.evaluate(() => scrollY), 0);
  await keep(page, "draw-phone-dark");
  assert.deepEqual(complaints, []);
});

test("pointer events that a program makes draw as well, and pressure makes the line wider", async () => {
  const { page, complaints } = await openPad();
  const ink = async (pressure) => {
    await page.locator("#pad").evaluate((canvas, pressure) => {
      const box = canvas.getBoundingClientRect();
      const send = (type, y) =>
        canvas.dispatchEvent(
          new PointerEvent(type, {
            pointerId: 7,
            pointerType: "pen",
            pressure,
            bubbles: true,
            clientX: box.x + box.width / 2,
            clientY: box.y + y * box.height,
          }),
        );
      send("pointerdown", 0.2);
      for (let y = 0.22; y < 0.8; y += 0.02) send("pointermove", y);
      send("pointerup", 0.8);
    }, pressure);
    assert.equal(await guessOf(page), "1");
    const n = await padInk(page);
    await page.locator("#clear").click();
    return n;
  };
  const light = await ink(0.1);
  assert.ok((await ink(0.9)) > 1.5 * light);
  assert.deepEqual(complaints, []);
});

test("by keyboard: arrows move the pen, space sets it down, Delete clears", async () => {
  const { page } = await openPad();
  await page.locator("#pad").focus();
  await page.keyboard.press("Space");
  for (let i = 0; i < 16; i++) await page.keyboard.press("ArrowDown");
  assert.equal(await guessOf(page), "1");
  await page.keyboard.press("Delete");
  assert.equal(await page.locator("#guess").textContent(), "");
});

test("a doubtful guess is called so, and #guess still holds the top digit alone", async () => {
  const { page } = await openPad();
  const probabilities = { 0: 0, 1: 0.45, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0.55, 8: 0, 9: 0 };
  await page.route("**/predict", (route) =>
    route.fulfill({ json: { predictions: [{ label: "7", probability: 0.55, probabilities }], image: Array(784).fill(0) } }),
  );
  await draw(page, SEVEN);
  assert.equal(await guessOf(page), "7");
  assert.equal(await page.locator("#guess-note").textContent(), "not sure; perhaps 1");
  await keep(page, "draw-doubt");
});

test(
  "digits written by pen on tablets are read, small, large and off the centre",
  { skip: existsSync(REAL) ? false : "no drawings beside the repository" },
  async () => {
    const rows = gunzipSync(readFileSync(REAL))
      .toString()
      .trim()
      .split("\n")
      .filter((_, i) => i % 80 === 0)
      .map((line) => JSON.parse(line));
    const { page } = await openPad();
    let right = 0;
    for (const [i, { label, w, h, strokes }] of rows.entries()) {
      const size = [0.15, 0.5, 0.9][i % 3] / Math.max(w, h);
      const place = ([x, y]) => [(i % 2 ? 0.02 : 0.98 - w * size) + x * size, (i % 4 < 2 ? 0.02 : 0.98 - h * size) + y * size];
      await draw(
        page,
        strokes.map((stroke) => stroke.filter((_, k) => k % 2 === 0 || k === stroke.length - 1).map(place)),
        { steps: 1 },
      );
      right += (await guessOf(page)) === label;
      await page.locator("#clear").click();
    }
    assert.ok(right > 0.7 * rows.length, `${right} of ${rows.length} by a network of 64 units`);
  },
);

/** From each stroke's last move to the guess about it, as the page's own clock has it. */
async function waits(page, strokes, n) {
  await page.evaluate(() => {
    window.waits = [];
    let moved = 0;
    for (const name of ["pointerrawupdate", "pointermove"]) {
      document.querySelector("#pad").addEventListener(name, (event) => (moved = Math.max(moved, event.timeStamp)), { capture: true });
    }
    new MutationObserver(() => window.waits.push([moved, performance.now()])).observe(document.querySelector("#guess"), {
      attributeFilter: ["data-drawing"],
    });
  });
  const times = [];
  for (let i = 0; i < n; i++) {
    await draw(page, strokes);
    await guessOf(page);
    times.push(await page.evaluate(() => window.waits.at(-1)).then(([moved, shown]) => shown - moved));
    await page.locator("#clear").click();
  }
  times.sort((a, b) => a - b);
  return `median ${times[n >> 1].toFixed(1)} ms, p95 ${times[Math.ceil(0.95 * n) - 1].toFixed(1)} ms of ${n}`;
}

test("how long a guess takes, at rest and while a job trains (told, not judged)", async (t) => {
  const { page } = await openPad();
  t.diagnostic(`last move to guess: ${await waits(page, SEVEN, 40)}`);
  const reply = await fetch(`${daemon.address}/train`, {
    method: "POST",
    body: JSON.stringify({ dataset: "pictures", target: "label", model: "long", layers: [512, 256], epochs: 10000 }),
  });
  const { id } = await reply.json();
  t.diagnostic(`while a job trains: ${await waits(page, SEVEN, 40)}`);
  await fetch(`${daemon.address}/jobs/${id}/cancel`, { method: "POST" });
  assert.equal(await page.locator("#guess").textContent(), "");
});

test("a correction keeps the drawing as a labelled row", async () => {
  const { page, complaints } = await openPad();
  await draw(page, SEVEN);
  await guessOf(page);
  await page.locator('[data-correct="7"]').click();
  await page.locator('[data-kept-note]:text("1 drawing kept")').waitFor();
  assert.equal(await page.locator("#guess").textContent(), "");
  const { columns, rows } = await (await fetch(`${daemon.address}/datasets/drawings/rows`)).json();
  assert.deepEqual([columns.length, columns[0], rows.length, String(rows[0][0])], [785, "label", 1, "7"]);
  assert.ok(rows[0].slice(1).some((pixel) => pixel === 255));
  assert.ok(await page.locator("[data-train-on]").isVisible());
  await keep(page, "draw-kept");
  assert.deepEqual(complaints, []);
});

for (const [width, colorScheme] of [
  [360, "light"],
  [1280, "dark"],
  [1280, "light"],
]) {
  test(`the pad at ${width} pixels, ${colorScheme}: axe finds nothing, nothing is too wide`, async () => {
    const { page } = await openPad({ viewport: { width, height: 740 }, colorScheme });
    await draw(page, ZERO);
    await guessOf(page);
    assert.ok(await page.locator('[data-panel="draw"]').evaluate((panel) => panel.scrollWidth <= panel.clientWidth));
    assert.deepEqual(await violations(page, '[data-panel="draw"]'), []);
    await keep(page, `draw-${width}-${colorScheme}`);
  });
}

test("one click trains the model on with the drawings that were kept", async () => {
  const { page, complaints } = await openPad();
  await draw(page, ONE);
  await guessOf(page);
  await page.locator('[data-correct="1"]').click();
  await page.locator('[data-kept-note]:text("2 drawings kept")').waitFor();
  const started = page.waitForResponse((reply) => reply.url().endsWith("/train"));
  await page.locator("[data-train-on]").click();
  const reply = await started;
  assert.equal(reply.status(), 202, await reply.text());
  const { id } = await reply.json();
  await (await fetch(`${daemon.address}/jobs/${id}/events`)).text(); // to the job's end
  const job = await (await fetch(`${daemon.address}/jobs/${id}`)).json();
  assert.deepEqual([job.state, job.dataset, job.request.from, job.rows.train, job.version], ["succeeded", "drawings", "digits", 2, 2]);
  await page.locator('[data-nav] [data-section-link="draw"]').click(); // starting has gone to Watch
  await draw(page, SEVEN);
  assert.equal(await guessOf(page), "7", "it has forgotten nothing");
  assert.deepEqual(complaints, []);
});
