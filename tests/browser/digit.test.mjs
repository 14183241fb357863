// Strokes to 28×28 bytes, as MNIST was made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { digitFromStrokes } from "../../static/digit.js";

const seven = [[{ x: 60, y: 70 }, { x: 200, y: 70 }, { x: 120, y: 230 }]];
const moved = (scale, dx, dy) => seven.map((stroke) => stroke.map(({ x, y }) => ({ x: x * scale + dx, y: y * scale + dy })));

test("nothing drawn is no picture", () => {
  assert.equal(digitFromStrokes([]), null);
  assert.equal(digitFromStrokes([[]]), null);
});

test("size and place on the pad do not matter", () => {
  const picture = digitFromStrokes(seven);
  for (const other of [moved(0.3, 5, 200), moved(1.1, -40, 11), moved(3, 0, 0)]) {
    const again = digitFromStrokes(other);
    again.forEach((value, i) => assert.ok(Math.abs(value - picture[i]) <= 1, `pixel ${i}: ${value} for ${picture[i]}`));
  }
});

test("the centre of mass is the centre of the picture", () => {
  let mass = 0, x = 0, y = 0;
  digitFromStrokes(seven).forEach((value, i) => {
    mass += value;
    x += value * ((i % 28) + 0.5);
    y += value * (Math.floor(i / 28) + 0.5);
  });
  assert.ok(Math.abs(x / mass - 14) < 0.3 && Math.abs(y / mass - 14) < 0.3, `${x / mass}, ${y / mass}`);
});

test("the ink's box is 20 pixels on its longer side", () => {
  const picture = digitFromStrokes([[{ x: 0, y: 0 }, { x: 90, y: 300 }]]);
  const rows = Array.from({ length: 28 }, (_, y) => Math.max(...picture.subarray(28 * y, 28 * (y + 1))));
  const inked = rows.filter((value) => value > 127).length;
  assert.ok(inked >= 19 && inked <= 21, `${inked} rows`);
});

test("a dot stays a dot", () => {
  const inked = digitFromStrokes([[{ x: 50, y: 50 }]]).filter((value) => value > 0).length;
  assert.ok(inked > 0 && inked < 30, `${inked} pixels`);
});
