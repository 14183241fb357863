// @ts-check
// The lines of a CSV file that surround a row, read in the browser: to show what a problem is about.

const SHOWN = 200; // characters of a line

/** Records of the text as it streams in: a line end inside double quotes ends none. @param {File} file */
async function* records(file) {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    let from = 0;
    let isQuoted = false;
    for (const { 0: mark, index } of rest.matchAll(/"|\r\n|\n|\r(?!$)/g)) {
      if (mark === '"') isQuoted = !isQuoted;
      if (mark === '"' || isQuoted) continue;
      yield rest.slice(from, index);
      from = index + mark.length;
    }
    rest = rest.slice(from);
    if (done) break;
  }
  if (rest) yield rest;
}

/**
 * The header, the row before and the row; empty where there is no such row. Lines without anything count no row.
 * @param {File} file @param {number | undefined} row 1: the first below the header @returns {Promise<{row: string, line: string}[]>}
 */
export async function linesAround(file, row) {
  if (!row) return [];
  const cut = (/** @type {string} */ line) => (line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line);
  const lines = [];
  let at = -1; // the header is 0
  for await (const line of records(file)) {
    if (line.trim() === "") continue;
    at++;
    if (at === 0 || at === row - 1 || at === row) lines.push({ row: at ? String(at) : "", line: cut(line) });
    if (at === row) return lines;
  }
  return [];
}
