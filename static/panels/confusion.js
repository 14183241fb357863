// @ts-check
// The confusion matrix: a row a label, a column a guess, each cell a button that shows its rows. Many classes: the pairs that are mixed up most.
import { h } from "../dom.js";
import { text } from "../text.js";

const CLASSES_MAX = 20; // a larger matrix is no use to the eye
const PAIRS = 20;

/** @typedef {{labels: string[], matrix: number[][]}} Confusion */

/** @param {Confusion} confusion @param {(cell: string) => HTMLButtonElement} button */
function matrixOf({ labels, matrix }, button) {
  const head = h("tr", {}, h("td", {}), ...labels.map((label) => h("th", { scope: "col" }, label)));
  const body = labels.map((label, i) => {
    const all = matrix[i].reduce((a, b) => a + b, 0);
    const cells = matrix[i].map((count, j) => {
      const cell = h("td", { class: i === j ? "right" : "wrong" }, count ? button(`${i},${j}`) : h("span", { class: "none" }, "0"));
      cell.style.setProperty("--share", String(all ? count / all : 0));
      return cell;
    });
    return h("tr", {}, h("th", { scope: "row" }, label), ...cells);
  });
  return h("table", { class: "matrix" }, h("caption", {}, text.understand.confusionCaption), h("thead", {}, head), h("tbody", {}, ...body));
}

/** @param {Confusion} confusion @param {(cell: string) => HTMLButtonElement} button */
function pairsOf({ labels, matrix }, button) {
  const pairs = matrix.flatMap((row, i) => row.map((count, j) => ({ i, j, count }))).filter(({ i, j, count }) => i !== j && count > 0);
  pairs.sort((a, b) => b.count - a.count);
  const items = pairs
    .slice(0, PAIRS)
    .map(({ i, j }) => h("li", {}, h("span", {}, text.understand.pair(labels[i], labels[j])), button(`${i},${j}`)));
  return h("div", {}, h("p", { class: "note" }, text.understand.manyClasses(labels.length)), h("ol", { class: "pairs" }, ...items));
}

/**
 * @param {HTMLElement} root @param {(cell: string | null) => void} choose null: the one that was chosen, again
 * @returns {(confusion: Confusion, cell: string | null) => void}
 */
export function mountConfusion(root, choose) {
  /** @type {Confusion | null} */
  let shown = null;
  /** @type {string | null} */
  let chosen = null;
  root.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-cell]");
    const cell = /** @type {any} */ (button)?.dataset.cell;
    if (cell) choose(cell === chosen ? null : cell);
  });

  return function show(confusion, cell) {
    if (confusion !== shown) {
      const { labels, matrix } = confusion;
      const button = (/** @type {string} */ at) => {
        const [i, j] = at.split(",").map(Number);
        return h(
          "button",
          { type: "button", "data-cell": at, "aria-label": text.understand.cell(labels[i], labels[j], matrix[i][j]) },
          text.count(matrix[i][j]),
        );
      };
      root.replaceChildren(labels.length <= CLASSES_MAX && matrix.length ? matrixOf(confusion, button) : pairsOf(confusion, button));
      shown = confusion;
    }
    chosen = cell;
    for (const button of root.querySelectorAll("[data-cell]"))
      button.setAttribute("aria-pressed", String(/** @type {any} */ (button).dataset.cell === cell));
  };
}
