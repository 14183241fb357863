// @ts-check
// What the daemon will take as target and task where nothing is said: the same rules as its own (engine/recipe/target.c), to show beforehand.

const USUAL = ["label", "class", "target", "y"];
const LEVELS = 20; // integers that are classes

/** @param {import("./api.js").Dataset} profile @returns {string} the column's name */
export function guessTarget({ columns }) {
  const names = columns.map((/** @type {{name: string}} */ c) => c.name);
  return USUAL.map((usual) => names.find((/** @type {string} */ n) => n.toLowerCase() === usual)).find(Boolean) ?? names.at(-1);
}

/** @param {import("./api.js").Dataset} profile @param {string} target @returns {{isClass: boolean, classes: number}} */
export function guessTask({ columns }, target) {
  const column = columns.find((/** @type {{name: string}} */ c) => c.name === target);
  if (!column) return { isClass: true, classes: 0 };
  if (column.type !== "number") return { isClass: true, classes: column.distinct ?? column.levels?.length ?? 0 };
  const { integer, min, max, distinct } = column;
  const isClass = integer && (min === 0 || min === 1) && distinct === max - min + 1 && distinct <= LEVELS;
  return { isClass, classes: isClass ? distinct : 1 };
}

/** The dataset that looks like this one's test rows: mnist_train, mnist_test. @param {string} name @param {string[]} names */
export function guessTest(name, names) {
  const wanted = [name.replace(/train(ing)?/i, "test"), `${name}_test`, `${name}-test`];
  return wanted.find((n) => n !== name && names.includes(n)) ?? "";
}
