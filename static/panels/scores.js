// @ts-check
// Figures as bars: scores of each class, what each column is worth.
import { h } from "../dom.js";
import { text } from "../text.js";

const IMPORTANT = 20; // columns shown

/** @param {number | null} share of 1 @param {string} words */
function barCell(share, words) {
  const cell = h("td", { class: "meter" }, h("span", {}, words));
  cell.style.setProperty("--share", String(Math.max(0, Math.min(1, share ?? 0))));
  return cell;
}

/** @param {{label: string, precision: number | null, recall: number | null, f1: number | null, support: number}[]} classes */
export function classTable(classes) {
  const names = [text.understand.class, text.understand.precision, text.understand.recall, text.understand.f1, text.understand.support];
  const share = (/** @type {number | null} */ x) => barCell(x, x === null ? text.none : text.percent(x));
  const rows = classes.map(({ label, precision, recall, f1, support }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, label),
      share(precision),
      share(recall),
      share(f1),
      h("td", { class: "number" }, text.count(support)),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": text.understand.classes },
    h(
      "table",
      { class: "scores" },
      h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows),
    ),
  );
}

/** @param {{column: string, drop: number}[]} importance the most important first @param {boolean} isClass */
export function importanceList(importance, isClass) {
  const most = Math.max(1e-12, ...importance.map(({ drop }) => drop));
  const items = importance.slice(0, IMPORTANT).map(({ column, drop }) => {
    const item = h(
      "li",
      {},
      h("span", { class: "name" }, column),
      h("span", { class: "track" }, h("span", { class: "fill" })),
      h("span", { class: "share" }, isClass ? text.points(drop) : text.figure(drop)),
    );
    item.style.setProperty("--share", String(Math.max(0, drop) / most));
    return item;
  });
  return h("ol", { class: "hbars" }, ...items);
}

/**
 * Where each input's column is a pixel, importance is a picture.
 * @param {{column: string, drop: number}[]} importance @param {string[]} columns
 * @returns {number[]}
 */
export function importanceOf(importance, columns) {
  const drops = new Map(importance.map(({ column, drop }) => [column, drop]));
  return columns.map((column) => drops.get(column) ?? 0);
}
