// @ts-check
// Small pictures on canvases: rows of data that are images, and weights, whose sign is a colour.
import { h } from "./dom.js";

/** The side of the square picture that a model's inputs make, 0 where they make none. @param {any} model of GET /models/{m} */
export function sideOf(model) {
  const side = Math.round(Math.sqrt(model.inputs));
  const isPicture = side >= 8 && side * side === model.inputs && model.recipe.columns.length === model.inputs;
  return isPicture && model.recipe.columns.every((/** @type {any} */ c) => c.encoding === "scale") ? side : 0;
}

/**
 * @param {number} side @param {string} label
 * @param {(i: number) => [number, number, number, number]} pixel red, green, blue, alpha of 0..255
 */
function paint(side, label, pixel) {
  const canvas = h("canvas", { width: side, height: side, role: "img", "aria-label": label, class: "tile" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) image.data.set(pixel(i), 4 * i);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** White ink on black. @param {number[]} pixels 0..255 @param {number} side @param {string} label */
export function greyPicture(pixels, side, label) {
  return paint(side, label, (i) => [pixels[i], pixels[i], pixels[i], 255]);
}

/**
 * Above zero in one colour, below in another, strong where it is far from zero.
 * @param {ArrayLike<number>} weights @param {number} side @param {string} label
 */
export function signedPicture(weights, side, label) {
  let most = 1e-12;
  for (let i = 0; i < weights.length; i++) most = Math.max(most, Math.abs(weights[i]));
  return paint(side, label, (i) => {
    const strength = Math.round((255 * Math.abs(weights[i])) / most);
    return weights[i] > 0 ? [60, 130, 246, strength] : [234, 110, 30, strength];
  });
}
