// Digits in forms that MNIST's American writers rarely used: ones with a flag or a foot, crossed sevens, fours in one stroke, slashed zeros.
// Each form is a few control points, written again and again by an unsteady hand; the daemon makes the pictures, as it does of any drawing.
// usage: node scripts/pen-forms.mjs ADDRESS MODEL [PER_FORM]      rows of label and 784 pixels on standard output, without a header
// MODEL is any for 28 x 28 pictures: only the picture is taken from its answers.

/** A label, then strokes through points in a box of 1 x 1, y downwards. A point given twice is a corner, else the pen goes round smoothly. */
const FORMS = [
  // one: a bar, a flag of any length, a foot
  ["1", [[0.5, 0], [0.5, 0.5], [0.5, 1]]],
  ["1", [[0.3, 0.25], [0.5, 0], [0.5, 0], [0.5, 1]]],
  ["1", [[0.15, 0.4], [0.5, 0], [0.5, 0], [0.5, 1]]],
  ["1", [[0.0, 0.45], [0.5, 0], [0.5, 0], [0.55, 1]]],
  ["1", [[0.1, 0.6], [0.5, 0], [0.5, 0], [0.5, 1]]],
  ["1", [[0.0, 0.35], [0.25, 0.2], [0.5, 0], [0.5, 0], [0.5, 1]]],
  ["1", [[0.25, 0.3], [0.5, 0], [0.5, 0], [0.5, 1]], [[0.2, 1], [0.8, 1]]],
  ["1", [[0.2, 0.3], [0.5, 0], [0.5, 0], [0.5, 1], [0.5, 1], [0.15, 1], [0.15, 1], [0.85, 0.98]]],
  ["1", [[0.25, 0.7], [0.5, 0], [0.5, 0], [0.42, 0.5], [0.45, 0.95], [0.65, 1]]],
  // seven: its bar is level, which tells it from a one with a flag
  ["7", [[0.1, 0], [0.9, 0], [0.9, 0], [0.4, 1]]],
  ["7", [[0.1, 0.02], [0.85, 0], [0.85, 0], [0.4, 1]], [[0.25, 0.5], [0.85, 0.48]]],
  ["7", [[0.1, 0.18], [0.12, 0.02], [0.12, 0.02], [0.88, 0], [0.88, 0], [0.55, 0.5], [0.42, 1]]],
  ["7", [[0.1, 0.18], [0.12, 0.02], [0.12, 0.02], [0.88, 0], [0.88, 0], [0.55, 0.5], [0.42, 1]], [[0.3, 0.52], [0.85, 0.48]]],
  ["7", [[0.1, 0.1], [0.4, 0.02], [0.85, 0.05], [0.65, 0.45], [0.5, 1]], [[0.35, 0.5], [0.85, 0.5]]],
  // four: open in two strokes, closed, in one stroke, with a foot
  ["4", [[0.25, 0], [0.15, 0.55], [0.15, 0.55], [0.9, 0.55]], [[0.65, 0.1], [0.6, 1]]],
  ["4", [[0.4, 0], [0.1, 0.6], [0.1, 0.6], [0.9, 0.6]], [[0.6, 0.35], [0.55, 1]]],
  ["4", [[0.65, 0], [0.1, 0.62], [0.1, 0.62], [0.9, 0.62]], [[0.65, 0], [0.62, 1]]],
  ["4", [[0.6, 0], [0.1, 0.6], [0.1, 0.6], [0.85, 0.6], [0.85, 0.6], [0.75, 0.4], [0.75, 0.4], [0.6, 1]]],
  ["4", [[0.45, 0], [0.15, 0.5], [0.15, 0.5], [0.75, 0.5], [0.75, 0.5], [0.7, 1]]],
  ["4", [[0.3, 0], [0.15, 0.5], [0.15, 0.5], [0.7, 0.45], [0.7, 0.45], [0.6, 1], [0.6, 1], [0.85, 1]]],
  ["4", [[0.15, 0], [0.2, 0.45], [0.5, 0.55], [0.8, 0.4], [0.85, 0], [0.85, 0], [0.7, 1]]],
  // nine: straight, curved, with a foot
  ["9", [[0.8, 0.1], [0.5, 0], [0.2, 0.25], [0.45, 0.5], [0.8, 0.25], [0.8, 0.1], [0.8, 0.1], [0.75, 1]]],
  ["9", [[0.8, 0.15], [0.5, 0], [0.25, 0.25], [0.45, 0.45], [0.8, 0.2], [0.8, 0.2], [0.75, 0.8], [0.5, 1], [0.2, 0.9]]],
  ["9", [[0.7, 0.1], [0.45, 0], [0.25, 0.2], [0.45, 0.4], [0.7, 0.15], [0.7, 0.15], [0.65, 1], [0.65, 1], [0.3, 1]], [[0.4, 1], [0.95, 1]]],
  // six, eight, zero
  ["6", [[0.75, 0], [0.35, 0.35], [0.2, 0.75], [0.5, 1], [0.8, 0.75], [0.5, 0.55], [0.22, 0.75]]],
  ["6", [[0.85, 0.1], [0.55, 0], [0.2, 0.4], [0.25, 0.9], [0.6, 1], [0.8, 0.7], [0.5, 0.5], [0.2, 0.65]]],
  ["8", [[0.75, 0.12], [0.5, 0], [0.25, 0.2], [0.5, 0.45], [0.8, 0.75], [0.5, 1], [0.2, 0.75], [0.5, 0.45], [0.78, 0.15]]],
  ["8", [[0.5, 0.45], [0.25, 0.22], [0.5, 0], [0.75, 0.22], [0.5, 0.45], [0.2, 0.72], [0.5, 1], [0.8, 0.72], [0.5, 0.45]]],
  ["0", [[0.5, 0], [0.15, 0.3], [0.15, 0.7], [0.5, 1], [0.85, 0.7], [0.85, 0.3], [0.5, 0]]],
  ["0", [[0.5, 0], [0.15, 0.3], [0.15, 0.7], [0.5, 1], [0.85, 0.7], [0.85, 0.3], [0.5, 0]], [[0.85, 0.1], [0.15, 0.9]]],
  // two, three, five
  ["2", [[0.15, 0.2], [0.45, 0], [0.8, 0.2], [0.6, 0.6], [0.1, 1], [0.1, 1], [0.9, 1]]],
  ["2", [[0.2, 0.2], [0.5, 0], [0.75, 0.25], [0.4, 0.8], [0.15, 0.95], [0.25, 0.75], [0.5, 0.95], [0.9, 0.95]]],
  ["3", [[0.15, 0.1], [0.5, 0], [0.8, 0.2], [0.45, 0.45], [0.45, 0.45], [0.85, 0.75], [0.5, 1], [0.1, 0.9]]],
  ["3", [[0.15, 0], [0.85, 0], [0.85, 0], [0.45, 0.4], [0.45, 0.4], [0.85, 0.7], [0.5, 1], [0.1, 0.9]]],
  ["5", [[0.25, 0], [0.2, 0.45], [0.2, 0.45], [0.55, 0.38], [0.85, 0.7], [0.5, 1], [0.1, 0.9]], [[0.25, 0], [0.85, 0]]],
  ["5", [[0.85, 0], [0.25, 0], [0.25, 0], [0.2, 0.45], [0.2, 0.45], [0.55, 0.38], [0.8, 0.7], [0.5, 1], [0.1, 0.92]]],
];

const STEPS = 8; // points of a curve from one control point to the next
const AT_ONCE = 8; // drawings under way

/** The same numbers each time: 0 to 1 (mulberry32), and about normal with mean 0 and deviation 1 (twelve of them). */
let state = 1;
function uniform() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const normal = () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6;

/** Catmull-Rom through the points, the ends repeated. */
function curve(points) {
  const path = [points[0]];
  for (let i = 0; i + 1 < points.length; i++) {
    const [a, b, c, d] = [points[Math.max(0, i - 1)], points[i], points[i + 1], points[Math.min(points.length - 1, i + 2)]];
    for (let step = 1; step <= STEPS; step++) {
      const t = step / STEPS;
      const along = (k) =>
        b[k] + (t / 2) * (c[k] - a[k] + t * (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k] + t * (3 * (b[k] - c[k]) + d[k] - a[k])));
      path.push([along(0), along(1)]);
    }
  }
  return path;
}

const same = (p, q) => p !== undefined && p[0] === q[0] && p[1] === q[1];

/** A stroke by an unsteady hand: points stray, corners turn round. */
function written(stroke, stray, isRound) {
  const parts = [[]];
  let last;
  stroke.forEach((point, i) => {
    if (same(stroke[i - 1], point)) {
      if (!isRound) parts.push([last]);
      return;
    }
    last = point.map((x) => x + stray * normal());
    parts.at(-1).push(last);
  });
  return parts.flatMap(curve);
}

/** One drawing of a form: its width, slant and turn are the writer's. */
function drawing([, ...strokes]) {
  const width = 0.65 * Math.exp(0.25 * normal());
  const slant = 0.05 + 0.2 * normal();
  const turn = 0.09 * normal();
  const stray = 0.02 + 0.05 * uniform();
  const isRound = uniform() < 0.3;
  const place = ([x, y]) => {
    const u = width * (x - 0.5) - slant * (y - 0.5);
    const v = y - 0.5;
    return [u * Math.cos(turn) - v * Math.sin(turn), u * Math.sin(turn) + v * Math.cos(turn)].map((c) => Math.round(500 * c));
  };
  return strokes.map((stroke) => written(stroke, stray, isRound).map(place));
}

const [address, model, perForm = "100"] = process.argv.slice(2);

async function row(form) {
  const reply = await fetch(`${address}/predict`, { method: "POST", body: JSON.stringify({ model, strokes: drawing(form) }) });
  const { image, detail } = await reply.json();
  if (!image) throw new Error(detail);
  return `${form[0]},${image.join(",")}\n`;
}

const forms = FORMS.flatMap((form) => Array.from({ length: Number(perForm) }, () => form));
while (forms.length) process.stdout.write((await Promise.all(forms.splice(0, AT_ONCE).map(row))).join(""));
