// @ts-check
// The network as a picture that is edited: a column of units for each layer, its settings below it.
import { h, say, svg } from "../dom.js";
import { text } from "../text.js";
import { ACTIVATIONS } from "./train-fields.js";

/** @typedef {{units: number, activation: string, dropout: number, layer_norm?: boolean}} Layer */

/** What the daemon takes where no layers are named. */
const USUAL = () => [128, 64].map((units) => ({ units, activation: "relu", dropout: 0 }));
const HEIGHT = 132;
const DOTS = 11; // circles at most in a column

/** How many circles stand for so many units. @param {number} units */
const dotsOf = (units) => (units <= 6 ? Math.max(1, units) : Math.min(DOTS, Math.max(6, Math.round(1.35 * Math.log2(units)))));

/** @param {() => void} changed */
export function mountNetwork(changed) {
  /** @type {Layer[] | null} null: the daemon chooses */
  let layers = null;
  let ends = { inputs: 0, outputs: 0, isClass: true };
  const drawing = svg("svg", { class: "network-lines", "aria-hidden": "true" });
  const columns = h("div", { class: "network-columns" });
  const scroll = h("div", { class: "network scroll", role: "group", "aria-label": text.train.network, tabIndex: 0 }, h("div", { class: "network-inner" }, drawing, columns));
  const note = h("span", { class: "note" });
  const reset = h("button", { type: "button", class: "quiet", "data-reset-network": true, onclick: () => edit(null) }, text.train.daemonChooses);
  const element = h("div", { class: "stack" }, h("div", { class: "spread" }, h("h3", {}, text.train.network), h("div", { class: "buttons" }, note, reset)), scroll);

  /** @param {Layer[] | null} next @param {number} [focus] the layer whose units are to be typed */
  function edit(next, focus) {
    layers = next;
    show();
    if (focus !== undefined) columns.querySelectorAll("[data-units]")[focus]?.select();
    changed();
  }
  /** @param {number} i @param {Partial<Layer>} change */
  function change(i, change) {
    const now = layers ?? USUAL();
    now[i] = { ...now[i], ...change };
    const wasChosen = layers === null;
    layers = now;
    if (wasChosen) describe();
    draw();
    changed();
  }
  /** @param {number} after @param {Layer[]} shown */
  const add = (after, shown) => {
    const units = Math.max(2, Math.round((shown[after - 1]?.units ?? 64) / (after ? 2 : 1)));
    edit(shown.toSpliced(after, 0, { units, activation: shown[after - 1]?.activation ?? "relu", dropout: 0 }), after);
  };

  /** @param {Layer} layer @param {number} i @param {Layer[]} shown */
  function makeLayer({ units, activation, dropout, layer_norm }, i, shown) {
    const name = text.train.layer(i + 1);
    const size = h("input", { type: "number", min: 1, max: 65536, step: 1, required: true, value: units, "data-units": i + 1, "aria-label": text.train.unitsOf(i + 1) });
    size.addEventListener("input", () => size.validity.valid && change(i, { units: Number(size.value) }));
    const shape = h("select", { "aria-label": text.train.activationOf(i + 1) }, ...ACTIVATIONS.map((a) => new Option(a, a, false, a === activation)));
    shape.addEventListener("change", () => change(i, { activation: shape.value }));
    const drop = h("input", { type: "number", min: 0, max: 0.95, step: "any", value: dropout || "", placeholder: text.train.noDropout, "aria-label": text.train.dropoutOf(i + 1) });
    drop.addEventListener("input", () => drop.validity.valid && change(i, { dropout: Number(drop.value) }));
    const norm = h("input", { type: "checkbox", "aria-label": text.train.normOf(i + 1) });
    norm.checked = Boolean(layer_norm);
    norm.addEventListener("change", () => change(i, { layer_norm: norm.checked }));
    const remove = h("button", { type: "button", class: "quiet icon", title: text.train.removeLayer(i + 1), "aria-label": text.train.removeLayer(i + 1) }, "×");
    remove.addEventListener("click", () => edit(shown.toSpliced(i, 1)));
    return h("div", { class: "layer", "data-dots": dotsOf(units) }, h("div", { class: "layer-name" }, h("span", { class: "label" }, name), remove), size, shape, drop, h("label", { class: "norm" }, norm, text.train.norm));
  }
  /** @param {number} after @param {Layer[]} shown */
  function makeAdd(after, shown) {
    const button = h("button", { type: "button", class: "icon add", "data-add-layer": after, title: text.train.addLayer(after), "aria-label": text.train.addLayer(after) }, "+");
    button.addEventListener("click", () => add(after, shown));
    return h("div", { class: "between" }, button);
  }
  const makeEnd = (/** @type {string} */ name, /** @type {string} */ words, /** @type {number} */ units) =>
    h("div", { class: "layer end", "data-dots": dotsOf(units) }, h("span", { class: "label" }, name), h("b", {}, words));

  function describe() {
    say(note, layers ? "" : text.train.chosen);
    reset.hidden = layers === null;
    scroll.classList.toggle("chosen", layers === null);
  }
  function show() {
    const shown = layers ?? USUAL();
    const parts = [makeEnd(text.train.input, text.train.inputs(ends.inputs), ends.inputs)];
    shown.forEach((layer, i) => parts.push(makeAdd(i, shown), makeLayer(layer, i, shown)));
    parts.push(makeAdd(shown.length, shown), makeEnd(text.train.output, ends.isClass ? text.train.classes(ends.outputs) : text.train.oneNumber, ends.outputs));
    columns.replaceChildren(...parts);
    describe();
    draw();
  }
  /** The circles and the lines between them, where the columns stand. */
  function draw() {
    const boxes = /** @type {HTMLElement[]} */ ([...columns.querySelectorAll(".layer")]);
    const units = [ends.inputs, ...(layers ?? USUAL()).map((l) => l.units), ends.outputs];
    const stacks = boxes.map((box, i) => {
      const n = dotsOf(units[i]);
      const step = Math.min(16, (HEIGHT - 12) / n);
      const x = box.offsetLeft + box.offsetWidth / 2;
      return Array.from({ length: n }, (_, k) => ({ x, y: HEIGHT / 2 + (k - (n - 1) / 2) * step }));
    });
    const lines = stacks.slice(1).flatMap((stack, i) => stack.flatMap((b) => stacks[i].map((a) => `M${a.x} ${a.y}L${b.x} ${b.y}`)));
    drawing.setAttribute("height", String(HEIGHT));
    drawing.setAttribute("width", String(columns.scrollWidth));
    drawing.replaceChildren(svg("path", { d: lines.join("") }), ...stacks.flat().map(({ x, y }) => svg("circle", { cx: x, cy: y, r: 4.5 })));
  }
  new ResizeObserver(draw).observe(columns);

  return {
    element,
    /** @param {{inputs: number, outputs: number, isClass: boolean}} next */
    setEnds(next) {
      if (JSON.stringify(next) === JSON.stringify(ends)) return;
      ends = next;
      show();
    },
    /** As POST /train takes them; undefined: not said. */
    read: () => layers?.map(({ units, activation, dropout, layer_norm }) => ({ units, activation, ...(dropout ? { dropout } : {}), ...(layer_norm ? { layer_norm } : {}) })),
    show,
  };
}
