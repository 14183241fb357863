// @ts-check
// A column's values as small bars: the bins of numbers, the levels of categories.
import { svg } from "./dom.js";
import { text } from "./text.js";

const WIDTH = 160;
const HEIGHT = 36;
const GAP = 1.5;
const LEVELS = 20; // bars at most

/** @param {import("./api.js").Column} column @returns {{rows: number, words: string}[]} */
function barsOf(column) {
  if (column.levels?.length) return column.levels.slice(0, LEVELS).map(({ level, rows }) => ({ rows, words: text.data.level(level, rows) }));
  const { from = 0, to = 0, counts = [] } = column.histogram ?? {};
  if (column.integer && to - from < counts.length) {
    // Whole numbers that are fewer than the bins leave gaps: one bar a number instead.
    const whole = Array.from({ length: to - from + 1 }, () => 0);
    counts.forEach((n, i) => (whole[Math.min(to - from, Math.round(((i + 0.5) * (to - from)) / counts.length))] += n));
    return whole.map((rows, i) => ({ rows, words: text.data.level(String(from + i), rows) }));
  }
  const step = (to - from) / Math.max(1, counts.length);
  return counts.map((rows, i) => ({ rows, words: text.data.bin(from + i * step, from + (i + 1) * step, rows) }));
}

/** @param {import("./api.js").Column} column @returns {SVGElement | null} null: nothing is known */
export function histogram(column) {
  const bars = barsOf(column);
  const most = Math.max(...bars.map(({ rows }) => rows));
  if (!bars.length || most <= 0) return null;
  const step = Math.min(16, WIDTH / bars.length);
  const shapes = bars.map(({ rows, words }, i) => {
    const height = rows ? Math.max(1.5, (HEIGHT * rows) / most) : 0;
    const rect = svg("rect", { x: i * step, y: HEIGHT - height, width: Math.max(1, step - GAP), height, rx: Math.min(2, step / 6) });
    rect.append(svg("title", {}, words));
    return rect;
  });
  return svg("svg", { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": text.data.histogram(column) }, ...shapes);
}
