// @ts-check
// What is selected stands in location.hash: `#watch?job=3&compare=1,2`. A section, then what is chosen in any of them.
import { set, state } from "./store.js";

const SETTLE_MS = 3000;

/** @typedef {{at: string, params: Record<string, string>}} Route */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const words = hash.replace(/^#/, "");
  const cut = words.indexOf("?");
  const isParams = cut < 0 && words.includes("=");
  const query = isParams ? words : cut < 0 ? "" : words.slice(cut + 1);
  return { at: isParams ? "" : cut < 0 ? words : words.slice(0, cut), params: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {Route} route */
export function format({ at, params }) {
  const query = new URLSearchParams(params).toString().replaceAll("%2C", ",");
  return `#${at}${query ? `?${query}` : ""}`;
}

/**
 * Select; null takes a choice away. Where `at` names a section, the page scrolls there and Back returns; else the address is changed in place.
 * @param {Record<string, string | number | null>} change
 */
export function go({ at, ...choices }) {
  const params = { ...state.route.params };
  for (const [name, value] of Object.entries(choices)) {
    if (value === null || value === "") delete params[name];
    else params[name] = String(value);
  }
  const route = { at: typeof at === "string" ? at : state.route.at, params };
  if (format(route) !== format(state.route)) history[at ? "pushState" : "replaceState"](null, "", format(route));
  set({ route });
  if (at) arrive();
}

let wentAt = -Infinity;
for (const type of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(type, () => (wentAt = -Infinity), { capture: true, passive: true });
/** Be at the section that the address names. */
export function arrive() {
  wentAt = performance.now();
  if (state.route.at) scrollTo(state.route.at);
}

/** What grew above may have moved the section that was just gone to: be there again, unless the reader has gone on by hand. */
export function settle() {
  if (state.route.at && performance.now() - wentAt < SETTLE_MS) scrollTo(state.route.at);
}

/** @param {string} at */
export function scrollTo(at) {
  const section = document.querySelector(`[data-panel="${CSS.escape(at)}"]`);
  if (!section) return;
  section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

/** Follow the address, from now on. @param {() => void} changed */
export function follow(changed) {
  set({ route: parse(location.hash) });
  addEventListener("popstate", () => {
    set({ route: parse(location.hash) });
    arrive();
    changed();
  });
}
