// @ts-check
// A pad to draw a digit on, and what the model makes of it, while it is being drawn.
import { text } from "../text.js";

const SIDE = 28; // of the picture that the daemon makes of the strokes
const NEAR = 0.5; // a point nearer than this to the last one, in the pad's pixels, says nothing new
const PEN = 18; // width of the line on the pad, in its own pixels
const SURE = 0.6; // below this probability the guess is called doubtful

/** @param {HTMLElement} list */
function mountBars(list) {
  const rows = Array.from({ length: 10 }, (_, digit) => {
    const row = list.appendChild(document.createElement("li"));
    const bar = row.appendChild(document.createElement("span"));
    bar.className = "bar";
    row.append(String(digit));
    return { row, bar };
  });
  return function show(/** @type {Record<string, number> | null} */ shares, /** @type {string} */ top) {
    rows.forEach(({ row, bar }, digit) => {
      const share = shares?.[digit] ?? 0;
      bar.style.setProperty("--share", String(share));
      row.classList.toggle("top", top === String(digit));
      row.setAttribute("aria-label", `${digit}: ${text.percent(share)}`);
    });
  };
}

/** Strokes by pointer on the canvas. @param {HTMLCanvasElement} canvas @param {(strokes: {x: number, y: number}[][]) => void} changed */
function mountPad(canvas, changed) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  /** @type {{x: number, y: number}[][]} */
  let strokes = [];
  /** @type {number | null} */
  let pointer = null;

  /** @param {PointerEvent} event */
  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * canvas.width) / box.width, y: ((event.clientY - box.top) * canvas.height) / box.height };
  }
  /** @param {{x: number, y: number}} point */
  function extend(point) {
    const stroke = strokes[strokes.length - 1];
    const from = stroke.at(-1) ?? point;
    if (stroke.length && Math.hypot(point.x - from.x, point.y - from.y) < NEAR) return;
    stroke.push(point);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(point.x, point.y);
    context.stroke();
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    strokes.push([]);
    extend(pointOf(event));
    changed(strokes);
    event.preventDefault();
    canvas.focus({ preventScroll: true });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) extend(pointOf(one));
    changed(strokes);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (/** @type {PointerEvent} */ (event).pointerId === pointer) pointer = null;
    });
  }
  return function clear() {
    strokes = [];
    pointer = null;
    context.clearRect(0, 0, canvas.width, canvas.height);
    changed(strokes);
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

/**
 * @param {HTMLElement} root
 * @param {{classify: (strokes: number[][][]) => void}} actions
 */
export function mountDraw(root, actions) {
  const find = (/** @type {string} */ hook) => /** @type {any} */ (root.querySelector(hook));
  const showBars = mountBars(find("[data-bars]"));
  const showPicture = mountPicture(find("[data-picture]"));
  const pad = find("#pad");
  const tenths = (/** @type {number} */ x) => Math.round(10 * x) / 10;
  const clear = mountPad(pad, (strokes) => {
    actions.classify(strokes.map((stroke) => stroke.map(({ x, y }) => [tenths(x), tenths(y)])));
  });
  find("#clear").addEventListener("click", clear);
  pad.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (["Delete", "Backspace", "Escape"].includes(event.key)) clear();
  });

  /** @param {import("../store.js").State} state */
  function noteOf({ drawModel, prediction }) {
    if (drawModel === null) return text.draw.noModel;
    if (!prediction || prediction.probability >= SURE) return drawModel ? text.draw.model(drawModel) : "";
    const order = Object.entries(prediction.probabilities).sort((a, b) => b[1] - a[1]);
    return text.draw.notSure(order[1]?.[0] ?? "");
  }

  /** @type {unknown} */
  let shown;
  return function update(/** @type {import("../store.js").State} */ state) {
    find("#guess-note").textContent = state.drawProblem || noteOf(state);
    if (shown === state.prediction) return;
    shown = state.prediction;
    find("#guess").value = state.prediction?.label ?? "";
    showBars(state.prediction?.probabilities ?? null, state.prediction?.label ?? "");
    showPicture(state.picture);
  };
}
