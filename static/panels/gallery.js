// @ts-check
// Rows that a model was asked about, with label and guess: as pictures where they are some, else as a table.
import { h } from "../dom.js";
import { greyPicture } from "../picture.js";
import { text } from "../text.js";

/** @typedef {import("../actions/understand.js").Sample} Sample */

const COLUMNS = 6; // of the data, beside label and guess

/** @param {Sample} sample */
const isRight = ({ label, guess, probability }) => probability !== undefined && label === guess;

/** @param {Sample} sample @param {string[]} columns @param {number} side */
function figureOf(sample, columns, side) {
  const { values, label, guess, row } = sample;
  const words = text.understand.sample(label, guess);
  const picture = values
    ? greyPicture(
        columns.map((name) => values[name]),
        side,
        `${text.understand.row(row)}: ${words}`,
      )
    : h("span", { class: "tile" });
  const certain = sample.probability === undefined ? null : h("span", { class: "share" }, text.draw.share(sample.probability));
  return h(
    "li",
    { class: isRight(sample) ? "right" : "wrong", title: text.understand.row(row) },
    picture,
    h("span", { class: "said" }, words),
    certain,
  );
}

/** @param {Sample[]} samples @param {string[]} columns */
function tableOf(samples, columns) {
  const shown = samples.some(({ values }) => values) ? columns.slice(0, COLUMNS) : [];
  const isClass = samples[0].probability !== undefined;
  const names = [
    text.understand.rowName,
    text.understand.label,
    text.understand.guess,
    ...(isClass ? [text.understand.certain] : []),
    ...shown,
  ];
  const rows = samples.map((sample) =>
    h(
      "tr",
      { class: isRight(sample) ? "right" : "wrong" },
      h("td", { class: "number" }, text.count(sample.row)),
      h("td", {}, text.value(sample.label)),
      h("td", { class: "guess" }, text.value(sample.guess)),
      isClass && h("td", { class: "number" }, text.draw.share(/** @type {number} */ (sample.probability))),
      ...shown.map((name) =>
        h("td", { class: typeof sample.values?.[name] === "number" ? "number" : "" }, text.value(sample.values?.[name])),
      ),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": text.understand.rowsRegion },
    h(
      "table",
      { class: "rows" },
      h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...rows),
    ),
  );
}

/**
 * @param {HTMLElement} root
 * @returns {(samples: Sample[], columns: string[], side: number) => void} columns: the model's inputs, the telling ones first
 */
export function mountGallery(root) {
  /** @type {Sample[] | null} */
  let shown = null;
  return function show(samples, columns, side) {
    if (samples === shown) return;
    shown = samples;
    if (!samples.length) root.replaceChildren();
    else if (side) root.replaceChildren(h("ul", { class: "gallery" }, ...samples.map((sample) => figureOf(sample, columns, side))));
    else root.replaceChildren(tableOf(samples, columns));
  };
}
