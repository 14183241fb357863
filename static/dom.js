// @ts-check
// Elements from code: text goes in as text, never as HTML.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * A new element. `class`, `data-…`, `aria-…` and other attributes by name (true: empty, false or null: left out); `on…` is a listener; other
 * names that the element has as properties (value, checked, hidden …) are set as such. null and false children are left out.
 * @param {string} tag @param {Record<string, any>} [props] @param {...(Child | Child[])} children @returns {any}
 */
export function h(tag, props = {}, ...children) {
  return fill(setProps(document.createElement(tag), props), children.flat());
}

/** The same for SVG: all props are attributes. @param {string} tag @param {Record<string, any>} [props] @param {...Child} children @returns {any} */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, String(value));
  return fill(element, children);
}

/** @param {any} element @param {Record<string, any>} props */
function setProps(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (!/-|^class$|^list$|^form$/.test(name) && name in element) element[name] = value;
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : String(value));
  }
  return element;
}

/** @param {any} element @param {Child[]} children */
function fill(element, children) {
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((c) => (c instanceof Node ? c : String(c))));
  return element;
}

/** Set text only where it differs, so that a screen reader is not told again. @param {Element} element @param {string} words */
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/**
 * One element a key, kept over updates: focus, scroll and charts survive.
 * @template T @param {Element} parent @param {T[]} items @param {(item: T) => string} keyOf
 * @param {(item: T) => {element: Element, update?: (item: T) => void}} make
 */
export function keyed(parent, items, keyOf, make) {
  const kept = /** @type {any} */ (parent).keyed ?? ((/** @type {any} */ (parent)).keyed = new Map());
  const wanted = new Set(items.map(keyOf));
  for (const [key, { element }] of kept) if (!wanted.has(key)) kept.delete(key), element.remove();
  items.forEach((item, i) => {
    const key = keyOf(item);
    if (!kept.has(key)) kept.set(key, make(item));
    const { element, update } = kept.get(key);
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
    update?.(item);
  });
}

/** Once, when the element is on the screen or will soon be. @param {Element} element @param {() => void} then */
export function whenNear(element, then) {
  const near = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      near.disconnect();
      then();
    },
    { rootMargin: "600px" },
  );
  near.observe(element);
}
