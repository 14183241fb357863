// @ts-check
// One dataset: how it was read, its columns, its first rows.
import { confirmed, newName } from "../dialog.js";
import { h, say } from "../dom.js";
import { histogram } from "../histogram.js";
import { paint, pictureOf } from "../pictures.js";
import { text } from "../text.js";
import { showAgain, showReading } from "./reading.js";

const COLUMNS = 24; // shown before one asks for all
const ROWS = 6;
const TARGETS = 1000; // columns to choose from

/** @param {import("../app.js").Actions} actions */
export function mountProfile(actions) {
  const name = h("h3", { class: "profile-name" });
  const size = h("p", { class: "note" });
  const download = h("a", { class: "button quiet", download: true }, text.data.download);
  const rename = h("button", { type: "button", class: "quiet" }, text.data.rename);
  const remove = h("button", { type: "button", class: "quiet danger" }, text.data.remove);
  const body = h("div", { class: "stack loose" });
  const targets = h("select", { "data-ties": true, onchange: () => actions.tie(targets.value) });
  const chosen = h("label", { class: "ties" }, h("span", {}, text.data.ties), targets);
  const full = h("div", { class: "stack loose" }, h("div", { class: "profile-head" }, h("div", {}, name, size), h("div", { class: "buttons" }, download, rename, remove)), body);
  const empty = h("div", { class: "empty" }, h("b", {}, text.data.none), h("p", {}, text.data.noneHint));
  const pending = h("div", { class: "skeleton profile-pending", role: "status", "aria-label": text.data.pending });
  const element = h("div", {}, full, empty, pending);

  /** @type {import("../api.js").Dataset | null} */
  let shown = null;
  rename.addEventListener("click", async () => {
    if (!shown) return;
    const to = await newName(text.data.renameTitle(shown.name), shown.name);
    if (to) actions.renameDataset(shown.name, to);
  });
  remove.addEventListener("click", async () => {
    if (shown && (await confirmed(text.data.removeTitle(shown.name), text.data.removeWords, text.data.remove))) actions.removeDataset(shown.name);
  });

  /** @type {import("../store.js").State["ties"]} */
  let tied = null;
  /** Each column's bar: how much it tells about the one that is chosen. */
  function showTies() {
    if (tied) targets.value = tied.target;
    const values = tied?.values;
    for (const tie of body.querySelectorAll("[data-tie]")) {
      const column = tie.dataset.tie;
      const isShown = tied && values && column !== tied.target;
      tie.style.visibility = isShown ? "" : "hidden"; // its place is kept: nothing moves when the figures come
      if (!isShown) continue;
      const value = values[tied.profile.columns.findIndex((/** @type {import("../api.js").Column} */ c) => c.name === column)];
      const [meter, figure] = tie.children;
      meter.value = value ?? 0;
      meter.setAttribute("aria-label", text.data.tie(column, tied.target, value));
      say(figure, value === null ? text.none : value.toFixed(2));
    }
  }

  function update(/** @type {import("../store.js").State} */ { profile, rows, datasets, ties }) {
    full.hidden = !profile;
    empty.hidden = Boolean(profile) || !datasets || datasets.length > 0;
    pending.hidden = Boolean(profile) || !empty.hidden;
    if (!profile || !rows) return;
    if (shown !== profile) show(profile, rows);
    if (tied === ties) return;
    tied = ties;
    showTies();
  }
  /** @param {import("../api.js").Dataset} profile @param {{columns: string[], rows: any[][]}} rows */
  function show(profile, rows) {
    shown = profile;
    say(name, profile.name);
    say(size, `${text.data.size(profile.rows, profile.columns.length)} · ${text.data.read(profile)}`);
    download.href = actions.datasetFile(profile.name);
    const picture = pictureOf(profile);
    if (!picture) targets.replaceChildren(...profile.columns.slice(0, TARGETS).map((/** @type {import("../api.js").Column} */ c) => new Option(c.name)));
    const columns = showColumns(profile, picture, picture ? null : chosen, showTies);
    body.replaceChildren(showReading(profile, actions), ...(picture ? [showPictures(profile, rows, picture)] : []), columns, ...(picture ? [] : [showRows(rows)]), showAgain(profile, actions));
    tied = null;
    showTies();
  }
  return Object.assign(update, { element });
}

/**
 * @param {import("../api.js").Dataset} profile @param {ReturnType<typeof pictureOf>} picture @param {Element | null} chosen the choice of what the bars are about
 * @param {() => void} added columns have been added
 */
function showColumns(profile, picture, chosen, added) {
  /** @type {import("../api.js").Column[]} */
  const columns = picture ? picture.others.map((i) => profile.columns[i]) : profile.columns;
  const list = h("ul", { class: "columns" }, ...columns.slice(0, COLUMNS).map((c) => showColumn(c, profile.rows, !picture)));
  if (picture) list.append(showPixels(profile, picture));
  const more = h("button", { type: "button", hidden: columns.length <= COLUMNS }, text.data.allColumns(columns.length));
  more.addEventListener("click", () => {
    list.append(...columns.slice(COLUMNS).map((c) => showColumn(c, profile.rows, !picture)));
    more.remove();
    added();
  });
  return h("div", { class: "stack" }, h("div", { class: "spread" }, h("h4", {}, text.data.columns), chosen), list, more);
}

/** What its values are, where that is known. @param {import("../api.js").Column} column */
function factsOf(column) {
  if (column.type === "number") return text.data.range(column);
  if (column.type === "date") return text.data.dates(column);
  return column.levels && text.data.levels(column.distinct ?? 0, column.levels.slice(0, 4).map(({ level }) => level));
}

/** @param {import("../api.js").Column} column @param {number} rows @param {boolean} hasTie */
function showColumn(column, rows, hasTie) {
  const isNumber = column.type === "number";
  const facts = factsOf(column);
  return h(
    "li",
    {},
    h("div", { class: "column-name" }, h("b", {}, column.name), h("span", { class: "note" }, isNumber && column.integer ? text.data.whole : (text.data.type[column.type] ?? column.type))),
    h("div", {}, histogram(column), hasTie && h("div", { class: "tie", "data-tie": column.name }, h("meter", { min: 0, max: 1 }), h("span", { class: "note number" }))),
    h(
      "div",
      { class: "note" },
      facts && h("p", {}, facts),
      h("p", { class: column.missing ? "some-missing" : "" }, text.data.missing(column.missing, rows)),
      column.note && h("p", { class: "column-note" }, column.note),
    ),
  );
}

/** All pixels' columns as one line: their mean picture. @param {import("../api.js").Dataset} profile @param {NonNullable<ReturnType<typeof pictureOf>>} picture */
function showPixels({ columns }, { side, first }) {
  const pixels = /** @type {import("../api.js").Column[]} */ (columns.slice(first, first + side * side));
  const canvas = h("canvas", { class: "picture", role: "img", "aria-label": text.data.mean });
  paint(canvas, pixels.map((c) => c.mean ?? 0));
  return h(
    "li",
    {},
    h("div", { class: "column-name" }, h("b", {}, `${pixels[0].name} … ${pixels.at(-1)?.name}`), h("span", { class: "note" }, text.data.pixels(side))),
    h("div", {}, canvas),
    h("div", { class: "note" }, text.data.mean),
  );
}

/** @param {import("../api.js").Dataset} profile @param {{rows: any[][]}} sample @param {NonNullable<ReturnType<typeof pictureOf>>} picture */
function showPictures(profile, { rows }, { side, first, others }) {
  const figures = rows.map((row) => {
    const label = others.map((i) => row[i]).join(", ");
    const canvas = h("canvas", { class: "picture", role: "img", "aria-label": label });
    paint(canvas, row.slice(first, first + side * side));
    return h("li", {}, h("figure", {}, canvas, h("figcaption", {}, label)));
  });
  return h("div", { class: "stack" }, h("h4", {}, text.data.pictures), h("ul", { class: "pictures" }, ...figures));
}

/** @param {{columns: string[], rows: any[][]}} sample */
function showRows({ columns, rows }) {
  const isNumber = columns.map((_, i) => rows.every((row) => row[i] === null || typeof row[i] === "number"));
  const cells = (/** @type {string} */ tag, /** @type {any[]} */ row, props = {}) =>
    row.slice(0, COLUMNS).map((value, i) => h(tag, { class: isNumber[i] ? "number" : "", ...props }, value === null ? text.none : String(value)));
  const table = h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...cells("th", columns, { scope: "col" }))),
    h("tbody", {}, ...rows.slice(0, ROWS).map((row) => h("tr", {}, ...cells("td", row)))),
  );
  return h("div", { class: "stack" }, h("h4", {}, text.data.sample), h("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": text.data.sample }, table));
}
