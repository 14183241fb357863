// @ts-check
// Tables whose rows are pictures: which they are, and how one is painted.

const LEAST = 49; // pixels: fewer are as likely a table of counts

/**
 * A square of byte columns beside at most two others is a picture.
 * @param {import("./api.js").Dataset} profile
 * @returns {{side: number, first: number, others: number[]} | null} first: index of the first pixel's column
 */
export function pictureOf(profile) {
  const columns = /** @type {import("./api.js").Column[]} */ (profile.columns);
  const isByte = (/** @type {import("./api.js").Column} */ c) => c.type === "number" && c.integer && (c.min ?? 0) >= 0 && (c.max ?? 0) <= 255;
  const start = columns.findIndex(isByte);
  const after = columns.findLastIndex(isByte) + 1;
  if (start < 0 || !columns.slice(start, after).every(isByte)) return null;
  for (const [first, end] of [[start, after], [start + 1, after], [start, after - 1]]) {
    const side = Math.sqrt(end - first);
    if (end - first < LEAST || !Number.isInteger(side) || columns.length - (end - first) > 2) continue;
    return { side, first, others: columns.map((_, i) => i).filter((i) => i < first || i >= end) };
  }
  return null;
}

/** Paint grey bytes, one a pixel; the sheet scales it up. @param {HTMLCanvasElement} canvas @param {ArrayLike<number | null>} bytes side × side */
export function paint(canvas, bytes) {
  const side = Math.round(Math.sqrt(bytes.length));
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(side, side);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = 0xff000000 | (0x10101 * Math.round(bytes[i] ?? 0));
  context.putImageData(image, 0, 0);
}
