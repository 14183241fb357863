// @ts-check
// A pad to draw a digit on, what the model makes of it while it is being drawn, and the correction where that was wrong.
import { DRAWINGS } from "../actions/draw.js";
import { h, say } from "../dom.js";
import { askNewest } from "../newest.js";
import { mountPad } from "../pad.js";
import { text } from "../text.js";

/** @typedef {import("../actions/draw.js").Answer} Answer */

const SIDE = 28; // of the picture that the daemon makes of the strokes
const SCALE = 10000; // places on the pad are sent as whole numbers of this part of its side
const SURE = 0.7; // below this probability the guess is called doubtful
const whole = (/** @type {number} */ share) => Math.round(SCALE * share);
const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));

/** @param {HTMLElement} list */
function mountBars(list) {
  const rows = DIGITS.map((digit) => {
    const share = h("span", { class: "share" });
    const row = h("li", {}, h("b", {}, digit), h("span", { class: "track" }, h("span", { class: "fill" })), share);
    list.append(row);
    return { row, share };
  });
  return function show(/** @type {Record<string, number> | null} */ shares, /** @type {string} */ top) {
    rows.forEach(({ row, share }, digit) => {
      row.style.setProperty("--share", String(shares?.[digit] ?? 0));
      row.classList.toggle("best", top === DIGITS[digit]);
      say(share, shares ? text.draw.share(shares[digit] ?? 0) : "");
    });
  };
}

/** @param {HTMLCanvasElement} canvas */
function mountPicture(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true })); // few pixels: no GPU
  return function show(/** @type {number[] | null} */ pixels) {
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE * SIDE; i++) image.data.set(pixels ? [pixels[i], pixels[i], pixels[i], 255] : [0, 0, 0, 255], 4 * i);
    context.putImageData(image, 0, 0);
  };
}

/** @param {HTMLElement} root */
function build(root) {
  const button = (/** @type {Record<string, any>} */ props, /** @type {string} */ words) =>
    h("button", { type: "button", ...props }, words);
  const parts = {
    pad: h("canvas", { id: "pad", width: 280, height: 280, tabindex: 0, role: "img", "aria-label": text.draw.pad }),
    cursor: h("span", { class: "cursor", "data-cursor": true, "aria-hidden": "true", hidden: true }),
    undo: button({ "data-undo": true }, text.draw.undo),
    clear: button({ id: "clear" }, text.draw.clear),
    guess: h("output", { id: "guess", "aria-live": "polite", "aria-label": text.draw.guess }),
    note: h("p", { id: "guess-note", class: "note" }),
    picture: h("canvas", { "data-picture": true, width: SIDE, height: SIDE, role: "img", "aria-label": text.draw.picture }),
    bars: h("ol", { class: "hbars digits", "data-bars": true, "aria-label": text.draw.bars }),
    labels: h("div", { class: "correct-digits", "data-labels": true, role: "group", "aria-labelledby": "correct-title" }),
    kept: h("p", { class: "note", role: "status", "data-kept-note": true }),
    trainOn: button({ "data-train-on": true, hidden: true }, text.draw.trainOn),
  };
  root.append(
    h("div", { class: "head" }, h("h2", { id: "draw-title" }, text.draw.title), h("p", { class: "note" }, text.draw.hint)),
    h(
      "div",
      { class: "draw" },
      h(
        "div",
        { class: "paper" },
        h("div", { class: "sheet" }, parts.pad, parts.cursor),
        h("div", { class: "tools" }, parts.undo, parts.clear),
      ),
      h(
        "div",
        { class: "answer" },
        parts.guess,
        parts.note,
        h("figure", {}, parts.picture, h("figcaption", { class: "note" }, text.draw.sees)),
      ),
      parts.bars,
      h(
        "div",
        { class: "correct" },
        h("p", { id: "correct-title", class: "label" }, text.draw.wasWrong),
        parts.labels,
        h("div", { class: "kept" }, parts.kept, parts.trainOn),
      ),
    ),
  );
  return parts;
}

/**
 * @param {HTMLElement} root
 * @param {{readDrawing: (strokes: number[][][]) => Promise<Answer>, keepDrawing: (label: string, picture: number[]) => void,
 *   trainOnDrawings: () => void}} actions
 */
export function mountDraw(root, actions) {
  const parts = build(root);
  const showBars = mountBars(parts.bars);
  const showPicture = mountPicture(parts.picture);
  /** @type {Answer} */
  let answer = { prediction: null, picture: null, problem: "" };
  let isEmpty = true;
  let newest = 0; // the drawing's serial number; #guess bears that of the one it is about
  /** @type {import("../store.js").State | null} */
  let state = null;

  const labels = DIGITS.map((digit) =>
    h("button", { type: "button", "data-correct": digit, "aria-label": text.draw.correct(digit), onclick: () => correct(digit) }, digit),
  );
  parts.labels.append(...labels);
  const ask = askNewest(
    ({ strokes }) => actions.readDrawing(strokes.map((stroke) => stroke.map(({ x, y }) => [whole(x), whole(y)]))),
    (next, { serial }) => show(next, serial),
  );
  const pad = mountPad(parts.pad, parts.cursor, (strokes) => {
    isEmpty = strokes.length === 0;
    parts.pad.dataset.drawing = String(++newest);
    if (!isEmpty) return ask({ serial: newest, strokes });
    ask(null);
    show({ prediction: null, picture: null, problem: "" }, newest);
  });
  parts.clear.addEventListener("click", pad.clear);
  parts.undo.addEventListener("click", pad.undo);
  parts.trainOn.addEventListener("click", actions.trainOnDrawings);

  /** @param {string} digit */
  function correct(digit) {
    if (!answer.picture) return;
    actions.keepDrawing(digit, answer.picture);
    pad.clear();
  }

  /** At once, not with the next frame's state: this is what the hand waits for. @param {Answer} next @param {number} serial */
  function show(next, serial) {
    const { prediction, picture } = (answer = next);
    say(parts.guess, prediction?.label ?? "");
    parts.guess.dataset.drawing = String(serial);
    showBars(prediction?.probabilities ?? null, prediction?.label ?? "");
    showPicture(picture);
    for (const button of labels) {
      button.disabled = !picture;
      button.classList.toggle("guessed", button.dataset.correct === prediction?.label);
    }
    parts.undo.disabled = parts.clear.disabled = isEmpty;
    showNotes();
  }

  /** What stands beside the guess: doubt, trouble, or which model reads. */
  function noteOf() {
    if (answer.problem) return answer.problem;
    if (state?.drawModel === null) return text.draw.noModel;
    if (!answer.prediction || !state?.drawModel) return state?.drawModel ? text.draw.model(state.drawModel) : "";
    if (answer.prediction.probability >= SURE) return text.draw.model(state.drawModel);
    const order = Object.entries(answer.prediction.probabilities).sort((a, b) => b[1] - a[1]);
    return text.draw.notSure(order[1]?.[0] ?? "");
  }
  function showNotes() {
    const isDoubtful = answer.prediction !== null && answer.prediction.probability < SURE;
    say(parts.note, noteOf());
    parts.note.classList.toggle("doubt", isDoubtful);
    parts.guess.classList.toggle("doubt", isDoubtful);
  }

  show(answer, newest);
  return function update(/** @type {import("../store.js").State} */ now) {
    state = now;
    showNotes();
    const kept = now.datasets?.find(({ name }) => name === DRAWINGS)?.rows ?? 0;
    say(parts.kept, now.keptNote.text || (kept ? text.draw.kept(kept) : text.draw.howToKeep));
    parts.kept.classList.toggle("bad", now.keptNote.isBad);
    parts.trainOn.hidden = kept === 0;
    parts.trainOn.disabled = now.isStarting || now.isGone;
  };
}
