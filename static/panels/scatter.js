// @ts-check
// A regression's guesses against what was right: points on the line are right.
import { h, svg } from "../dom.js";
import { text } from "../text.js";

const SIDE = 320;
const EDGE = 44; // for the figures on the axes

/** @param {{label: number, guess: number}[]} samples */
export function scatterOf(samples) {
  const values = samples.flatMap(({ label, guess }) => [label, guess]).filter(Number.isFinite);
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  const at = (/** @type {number} */ value) => ((value - least) / span) * (SIDE - EDGE - 8);
  const x = (/** @type {number} */ value) => EDGE + at(value);
  const y = (/** @type {number} */ value) => SIDE - EDGE - at(value);
  const ends = [least, least + span];
  const points = samples.map(({ label, guess }) => svg("circle", { cx: x(label).toFixed(1), cy: y(guess).toFixed(1), r: 2.5 }));
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "scatter", role: "img", "aria-label": text.understand.scatter(samples.length) },
    svg("line", { x1: x(ends[0]), y1: y(ends[0]), x2: x(ends[1]), y2: y(ends[1]) }),
    ...points,
    ...ends.map((end, i) => svg("text", { x: x(end), y: SIDE - EDGE + 18, "text-anchor": i ? "end" : "start" }, text.value(end))),
    ...ends.map((end, i) => svg("text", { x: EDGE - 6, y: y(end) + (i ? 10 : 0), "text-anchor": "end" }, text.value(end))),
    svg("text", { x: SIDE / 2, y: SIDE - 8, "text-anchor": "middle" }, text.understand.label),
    svg("text", { x: 12, y: SIDE / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${SIDE / 2})` }, text.understand.guess),
  );
  return h("figure", {}, picture);
}
