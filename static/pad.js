// @ts-check
// Ink on a canvas: strokes by mouse, finger, pen or keyboard, drawn as they come and drawn again when the canvas changes.
// Places are shares of the canvas' sides, so that a drawing survives a change of size; a stroke may leave the canvas.

/** @typedef {{x: number, y: number, width: number}} Point width: of the line here, as a share of the usual one */

const PEN = 0.058; // the usual width of the line, as a share of the pad's side
const FAST = 0.02; // a move of this share of the side at once is a quick one: its line is thinner
const THIN = 0.3; // by how much, at most
const CALM = 0.3; // how quickly the width follows
const NEAR = 0.001; // a point nearer than this to the last one says nothing new
const KEY_STEP = 0.025; // how far an arrow key moves the pen
const ARROWS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * Width by pressure where the device knows it, else a little by speed, and never abruptly.
 * @param {PointerEvent} event @param {number} moved @param {Point | undefined} last
 */
function widthOf(event, moved, last) {
  const isPressed = event.pointerType === "pen" && event.pressure > 0;
  const wanted = isPressed ? 0.45 + 1.1 * event.pressure : 1 - THIN * Math.min(1, moved / FAST);
  return last ? last.width + CALM * (wanted - last.width) : isPressed ? wanted : 1;
}

/**
 * Part of a stroke up to the middle between its last two points, from the middle before.
 * @param {CanvasRenderingContext2D} context @param {Point[]} stroke @param {number} i @param {number} side
 */
function inkTo(context, stroke, i, side) {
  const at = (/** @type {number} */ k) => stroke[Math.max(0, k)];
  const [a, b, c] = [at(i - 2), at(i - 1), at(i)];
  context.lineWidth = PEN * side * ((b.width + c.width) / 2);
  context.beginPath();
  context.moveTo(((a.x + b.x) / 2) * side, ((a.y + b.y) / 2) * side);
  context.quadraticCurveTo(b.x * side, b.y * side, ((b.x + c.x) / 2) * side, ((b.y + c.y) / 2) * side);
  context.stroke();
}

/**
 * @param {HTMLCanvasElement} canvas @param {HTMLElement} cursor shown where the keyboard's pen is
 * @param {(strokes: Point[][]) => void} changed after each change
 * @returns {{clear: () => void, undo: () => void}}
 */
export function mountPad(canvas, cursor, changed) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {Point[][]} */
  let strokes = [];
  /** @type {number | null} the pointer that is drawing */
  let pointer = null;
  let isRaw = false; // its moves come as they happen, ahead of those that wait for the next frame
  const key = { x: 0.5, y: 0.3, isDown: false };

  /** The whole drawing; the last bit of a stroke, from the last middle to its end, is a line. */
  function redraw() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const stroke of strokes) {
      for (let i = 1; i < stroke.length; i++) inkTo(context, stroke, i, canvas.width);
      finish(stroke);
    }
  }
  /** @param {Point[]} stroke */
  function finish(stroke) {
    const end = stroke[stroke.length - 1];
    const before = stroke[stroke.length - 2] ?? end;
    context.lineWidth = PEN * canvas.width * end.width;
    context.beginPath();
    context.moveTo(((before.x + end.x) / 2) * canvas.width, ((before.y + end.y) / 2) * canvas.width);
    context.lineTo(end.x * canvas.width, end.y * canvas.width);
    context.stroke();
  }
  /** As many pixels as the screen has, the colours of the theme. */
  function fit() {
    const side = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
    if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
    Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: getComputedStyle(canvas).color });
    redraw();
  }

  /** @param {number} x @param {number} y @param {PointerEvent} [event] @returns {boolean} whether it says something new */
  function extend(x, y, event) {
    const stroke = strokes[strokes.length - 1];
    const last = stroke.at(-1);
    const moved = last ? Math.hypot(x - last.x, y - last.y) : 1;
    if (moved < NEAR) return false;
    stroke.push({ x, y, width: event ? widthOf(event, moved, last) : 1 });
    if (stroke.length > 1) inkTo(context, stroke, stroke.length - 1, canvas.width);
    finish(stroke);
    return true;
  }
  /** @param {PointerEvent} event all that has gathered in it */
  function take(event) {
    const box = canvas.getBoundingClientRect();
    const gathered = event.getCoalescedEvents?.() ?? []; // none where it stands for itself
    let isNew = false;
    for (const one of gathered.length ? gathered : [event]) {
      isNew = extend((one.clientX - box.left) / box.width, (one.clientY - box.top) / box.height, one) || isNew;
    }
    if (isNew) changed(strokes);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || (pointer !== null && pointer !== event.pointerId)) return;
    pointer = event.pointerId;
    isRaw = false;
    try {
      canvas.setPointerCapture(pointer);
    } catch {
      // a pointer made by a program: there is nothing to capture
    }
    strokes.push([]);
    take(event);
  });
  canvas.addEventListener("pointerrawupdate", (event) => {
    if (/** @type {PointerEvent} */ (event).pointerId !== pointer) return;
    isRaw = true;
    take(/** @type {PointerEvent} */ (event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const isTaken = isRaw && event.isTrusted; // a program's moves have no raw ones before them
    if (event.pointerId === pointer && !isTaken) take(event);
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId === pointer) pointer = null;
    });
  }

  /** @param {[number, number]} way @param {number} step */
  function moveKey([x, y], step) {
    key.x = Math.min(1, Math.max(0, key.x + x * step));
    key.y = Math.min(1, Math.max(0, key.y + y * step));
    showKey();
    if (!key.isDown) return;
    extend(key.x, key.y);
    changed(strokes);
  }
  function pressKey() {
    key.isDown = !key.isDown;
    showKey();
    if (!key.isDown) return;
    strokes.push([]);
    extend(key.x, key.y);
    changed(strokes);
  }
  function showKey() {
    cursor.hidden = false;
    cursor.classList.toggle("down", key.isDown);
    cursor.style.left = `${100 * key.x}%`;
    cursor.style.top = `${100 * key.y}%`;
  }
  canvas.addEventListener("keydown", (event) => {
    const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey);
    if (ARROWS[event.key]) moveKey(ARROWS[event.key], event.shiftKey ? 4 * KEY_STEP : KEY_STEP);
    else if (event.key === " ") pressKey();
    else if (isUndo) undo();
    else if (["Delete", "Backspace", "Escape"].includes(event.key)) clear();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => {
    cursor.hidden = true;
    key.isDown = false;
  });

  /** @param {Point[][]} kept */
  function keep(kept) {
    strokes = kept;
    pointer = null;
    key.isDown = false;
    redraw();
    changed(strokes);
  }
  const clear = () => keep([]);
  const undo = () => keep(strokes.slice(0, -1));

  new ResizeObserver(fit).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fit);
  fit();
  return { clear, undo };
}
