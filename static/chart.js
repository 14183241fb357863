// @ts-check
// One line chart over epochs, by uPlot; where the build is without uPlot, a table of the last epochs instead.
import { text } from "./text.js";

/** @type {Promise<any>} */
const library = import("./vendor/uPlot.esm.js").then(
  (module) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = "vendor/uPlot.min.css";
    document.head.append(sheet);
    return module.default;
  },
  () => null,
);

const HEIGHT = 200;
const colour = (/** @type {string} */ name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @param {HTMLElement} box @param {any} UPlot @param {string[]} names */
function plotNew(box, UPlot, names) {
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const colours = [colour("--accent"), colour("--second")];
  return new UPlot(
    {
      width: Math.max(200, box.clientWidth),
      height: HEIGHT,
      scales: { x: { time: false } },
      axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] }, { ...axis, size: 60 }],
      series: [{ label: text.watch.epoch }, ...names.map((label, i) => ({ label, stroke: colours[i], width: 2, points: { show: undefined } }))],
    },
    [[], ...names.map(() => [])],
    box,
  );
}

/** @param {HTMLElement} box @param {string[]} names @param {(number | null)[][]} data */
function showTable(box, names, data) {
  const table = document.createElement("table");
  const addRow = (/** @type {string} */ tag, /** @type {string[]} */ cells) => {
    const row = table.insertRow();
    for (const cell of cells) row.appendChild(document.createElement(tag)).textContent = cell;
  };
  addRow("th", [text.watch.epoch, ...names]);
  for (let i = Math.max(0, data[0].length - 6); i < data[0].length; i++) {
    addRow("td", data.map((column, c) => (c === 0 ? String(column[i]) : text.figure(column[i]))));
  }
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = text.watch.noCharts;
  box.replaceChildren(note, table);
}

/**
 * @param {HTMLElement} root @param {string} title @param {string[]} names of the lines
 * @returns {(data: (number | null)[][]) => void} show epochs and values; drawn at the next frame, once however often it is called
 */
export function mountChart(root, title, names) {
  const heading = document.createElement("h3");
  heading.textContent = title;
  const box = document.createElement("div");
  box.className = "chart";
  const block = document.createElement("div");
  block.append(heading, box);
  root.append(block);

  /** @type {any} */
  let plot = null;
  /** @type {(number | null)[][]} */
  let data = [[], ...names.map(() => [])];
  let isDue = false;
  /** @type {any} */
  let UPlot;

  function draw() {
    isDue = false;
    if (UPlot === undefined) return;
    if (UPlot === null) return showTable(box, names, data);
    plot ??= plotNew(box, UPlot, names);
    plot.setData(data);
  }
  function ask() {
    if (!isDue) requestAnimationFrame(draw);
    isDue = true;
  }
  library.then((loaded) => {
    UPlot = loaded;
    ask();
  });
  new ResizeObserver(() => plot?.setSize({ width: Math.max(200, box.clientWidth), height: HEIGHT })).observe(box);
  dark.addEventListener("change", () => {
    plot?.destroy();
    plot = null;
    ask();
  });
  return (next) => {
    data = next;
    ask();
  };
}
