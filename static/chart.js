// @ts-check
// Lines over epochs, by uPlot; where the build is without uPlot, a table of the last epochs instead.
import { h, say, whenNear } from "./dom.js";
import { text } from "./text.js";

/** @typedef {{name: string, colour: string, isFaint?: boolean, values: (number | null)[]}} Line colour: a token of style.css; values: one an epoch */

/** @type {Promise<any> | undefined} */
let library;
/** uPlot's constructor, null where it is not there; fetched for the first curve near the screen. Its only minified build is a script, not a module. */
function loadLibrary() {
  library ??= new Promise((resolve) => {
    const script = h("script", { src: "vendor/uplot/uPlot.iife.min.js" });
    script.addEventListener("load", () => resolve(/** @type {any} */ (globalThis).uPlot));
    script.addEventListener("error", () => resolve(null));
    document.head.append(h("link", { rel: "stylesheet", href: "vendor/uplot/uPlot.min.css" }), script);
  });
  return library;
}

const HEIGHT = 240;
const WHOLE = [1, 2, 5].flatMap((n) => [1, 10, 100, 1000, 10000].map((tens) => n * tens)).sort((a, b) => a - b);
const colourOf = (/** @type {string} */ token) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @param {HTMLElement} box @param {any} UPlot @param {Line[]} lines @param {boolean} isLog @param {(x: number) => string} tell @param {(at: number | null) => void} hovered */
function plotNew(box, UPlot, lines, isLog, tell, hovered) {
  const font = `${0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize)}px ${colourOf("--sans")}`;
  const axis = { stroke: colourOf("--quiet"), font, grid: { stroke: colourOf("--line"), width: 1 }, ticks: { show: false } };
  const values = (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((x) => (x === null ? "" : tell(x)));
  return new UPlot(
    {
      width: Math.max(200, box.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: "epochs", setSeries: false }, drag: { x: true, y: false }, points: { size: 7 } },
      scales: { x: { time: false, range: (/** @type {any} */ _, /** @type {number} */ from, /** @type {number} */ to) => [from, Math.max(to, from + 1)] }, y: { distr: isLog ? 3 : 1 } },
      axes: [{ ...axis, incrs: WHOLE, grid: { show: false }, size: 32, space: 60 }, { ...axis, values, size: 56, space: 40 }],
      series: [
        {},
        ...lines.map(({ colour, isFaint }) => ({ stroke: colourOf(colour), width: isFaint ? 1.25 : 2, dash: isFaint ? [5, 4] : undefined, points: { show: false }, spanGaps: true })),
      ],
      hooks: { setCursor: [(/** @type {any} */ plot) => hovered(plot.cursor.idx ?? null)] },
    },
    [[], ...lines.map(() => [])],
    box,
  );
}

/** @param {HTMLElement} box @param {number[]} epochs @param {Line[]} lines */
function showTable(box, epochs, lines) {
  const first = Math.max(0, epochs.length - 6);
  const body = epochs.slice(first).map((epoch, i) => h("tr", {}, h("td", { class: "number" }, epoch), ...lines.map((l) => h("td", { class: "number" }, text.figure(l.values[first + i])))));
  const head = h("tr", {}, ...[text.watch.epoch, ...lines.map((l) => l.name)].map((name) => h("th", { scope: "col" }, name)));
  box.replaceChildren(h("p", { class: "note" }, text.watch.noCharts), h("table", {}, h("thead", {}, head), h("tbody", {}, ...body)));
}

/**
 * @param {HTMLElement | string} heading beside the legend; a string becomes a heading
 * @returns {{element: HTMLElement, show: (title: string, epochs: number[], lines: Line[], tell: (x: any) => string) => void}} tell: a value in words
 *   show: drawn at the next frame, once however often it is called; the lines may be others than before
 */
export function mountChart(heading) {
  const legend = h("ul", { class: "legend-lines" });
  const log = h("input", { type: "checkbox" });
  const box = h("div", { class: "chart-box", role: "img" });
  const top = h("div", { class: "chart-head" }, typeof heading === "string" ? h("h3", {}, heading) : heading, h("label", { class: "check log" }, log, text.watch.log));
  const waiting = h("p", { class: "chart-waiting note" }, text.watch.waiting);
  const element = h("div", { class: "chart" }, top, legend, box, waiting);

  /** @type {any} */
  let plot = null;
  /** @type {any} */
  let UPlot;
  let title = "";
  /** @type {number[]} */
  let epochs = [];
  /** @type {Line[]} */
  let lines = [];
  /** @type {(x: any) => string} */
  let tell = text.figure;
  let shape = "";
  let isDue = false;
  let isNear = false;
  /** @type {any[]} the legend's values */
  let figures = [];
  /** @type {number | null} the epoch under the pointer */
  let at = null;

  function showFigures() {
    figures.forEach((figure, i) => {
      const values = lines[i]?.values ?? []; // the pointer may move before a new set of lines is drawn
      say(figure, tell(at === null ? values.findLast((v) => v !== null && v !== undefined) : values[at]));
    });
  }
  function renew() {
    plot?.destroy();
    plot = null;
    legend.replaceChildren(
      ...lines.map(({ name, colour, isFaint }) => {
        const swatch = h("span", { class: isFaint ? "swatch faint" : "swatch" });
        swatch.style.setProperty("--colour", `var(${colour})`);
        return h("li", {}, swatch, name, h("b", { class: "number" }));
      }),
    );
    figures = [...legend.querySelectorAll("b")];
    if (UPlot) plot = plotNew(box, UPlot, lines, log.checked, tell, (now) => ((at = now), showFigures()));
  }
  function draw() {
    isDue = false;
    waiting.hidden = epochs.length > 0;
    if (UPlot === undefined && epochs.length && isNear) loadLibrary().then((loaded) => ((UPlot = loaded), ask()));
    if (UPlot === undefined) return;
    const now = JSON.stringify([lines.map(({ name, colour, isFaint }) => [name, colour, isFaint]), log.checked, dark.matches, title]);
    if (now !== shape) renew();
    shape = now;
    if (UPlot === null) showTable(box, epochs, lines);
    const positive = (/** @type {number | null} */ v) => (log.checked && !(Number(v) > 0) ? null : v);
    plot?.setData([epochs, ...lines.map((l) => l.values.map(positive))]);
    showFigures();
    box.setAttribute("aria-label", text.watch.chart(title, epochs.length, lines.map(({ name, values }) => ({ name, words: tell(values.at(-1) ?? null) }))));
  }
  function ask() {
    if (!isDue) requestAnimationFrame(draw);
    isDue = true;
  }
  log.addEventListener("change", ask);
  dark.addEventListener("change", ask);
  whenNear(element, () => ((isNear = true), ask()));
  new ResizeObserver(() => plot?.setSize({ width: Math.max(200, box.clientWidth), height: HEIGHT })).observe(box);
  return {
    element,
    show(nextTitle, nextEpochs, nextLines, nextTell) {
      tell = nextTell;
      title = nextTitle;
      epochs = nextEpochs;
      lines = nextLines;
      ask();
    },
  };
}
