// @ts-check
// Strokes to the picture that a network trained on MNIST expects, as MNIST was made: the ink's box scaled to 20×20 keeping its shape,
// then moved so that its centre of mass is the centre of 28×28. Strokes are drawn anew at that size, so the line is equally thick
// however large the digit was drawn.

/** @typedef {{x: number, y: number}} Point */

export const SIDE = 28;
const BOX = 20;
const RADIUS = 1.25; // half the width of a line, in pixels of the picture
const SMALLEST = 40; // a drawing smaller than this is not blown up further: a dot stays a dot

/** @param {Point} p @param {Point} a @param {Point} b */
function distanceToSegment(p, a, b) {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length2 = dx * dx + dy * dy;
  const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2));
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/** Ink of each pixel, 0 to 1, of strokes given in the picture's pixels. @param {Point[][]} strokes */
function render(strokes) {
  const ink = new Float32Array(SIDE * SIDE);
  const reach = RADIUS + 1;
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      const a = stroke[Math.max(0, i - 1)];
      const b = stroke[i];
      const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
      const bottom = Math.min(SIDE - 1, Math.ceil(Math.max(a.y, b.y) + reach));
      const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
      const right = Math.min(SIDE - 1, Math.ceil(Math.max(a.x, b.x) + reach));
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) {
          const cover = RADIUS + 0.5 - distanceToSegment({ x: x + 0.5, y: y + 0.5 }, a, b);
          ink[y * SIDE + x] = Math.max(ink[y * SIDE + x], Math.min(1, cover));
        }
      }
    }
  }
  return ink;
}

/** @param {Float32Array} ink @returns {Point} in pixels */
function centreOfMass(ink) {
  let mass = 0;
  let x = 0;
  let y = 0;
  ink.forEach((value, i) => {
    mass += value;
    x += value * ((i % SIDE) + 0.5);
    y += value * (Math.floor(i / SIDE) + 0.5);
  });
  return { x: x / mass, y: y / mass };
}

/**
 * @param {Point[][]} strokes in any unit of about a screen's pixel
 * @returns {Uint8Array | null} 28×28 bytes, row by row, ink is 255; null where nothing is drawn
 */
export function digitFromStrokes(strokes) {
  const points = strokes.flat();
  if (points.length === 0) return null;
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const scale = (BOX - 2 * RADIUS) / Math.max(right - left, bottom - top, SMALLEST);
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  const place = (/** @type {Point} */ shift) =>
    strokes.map((stroke) => stroke.map((p) => ({ x: (p.x - middle.x) * scale + shift.x, y: (p.y - middle.y) * scale + shift.y })));
  const centre = SIDE / 2;
  const mass = centreOfMass(render(place({ x: centre, y: centre })));
  const ink = render(place({ x: 2 * centre - mass.x, y: 2 * centre - mass.y }));
  return Uint8Array.from(ink, (value) => Math.round(255 * value));
}
