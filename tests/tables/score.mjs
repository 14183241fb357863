// How well a table was read: success, and precision, recall and F1 of header, records and cells; 10 at best, in the spirit of the
// benchmark Pollock (VLDB 2023). A record is right where all its cells are, in their order; the order of records does not count.
//
// A truth is { header, rows }. A name is a text, or a list of texts of which each will do; no header: null. A row is a list of texts, or
// { any: [row, …] } of which each will do, null standing for a row that is not there. `dates`: "dmy" or "mdy", how the file writes days;
// the truth has them as ISO 8601 does. Names that readers give to columns without one (`generated`) stand for none.

const missing = new Set(["", "na", "n/a", "nan", "null", "none", "<na>", "nat"]);
const generated = /^(unnamed: ?\d+|column_?\d+|field_?\d+|col_?\d+|var_?\d+|[xv_]\d+|c\d+|\d+|)$/i;

const months = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** "3/4/2023 9:05" in the order of the file's days, and "Mar 4, 2023", as ISO 8601 has it. */
function isoDate(text, dates) {
  const [, name, ofMonth, ofYear] = /^([A-Z][a-z]{2}) (\d{1,2}), (\d{4})$/.exec(text) ?? [];
  if (months.indexOf(name) % 3 === 0) return `${ofYear}-${String(months.indexOf(name) / 3 + 1).padStart(2, "0")}-${ofMonth.padStart(2, "0")}`;
  const [, a, b, year, hour, rest] = /^(\d{1,2})[./](\d{1,2})[./](\d{4})(?: (\d{1,2})(:\d\d(?::\d\d)?))?$/.exec(text) ?? [];
  if (!dates || year === undefined) return text;
  const [day, month] = dates === "dmy" ? [a, b] : [b, a];
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}${hour ? ` ${hour.padStart(2, "0")}${rest}` : ""}`;
}

/** Texts that mean the same become the same: numbers (with a $ or % beside them or not), dates with times, truth, and what is missing. */
export function normalise(value, dates) {
  if (value === null || value === undefined) return "";
  const written = String(value).trim().replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  if (missing.has(written.toLowerCase())) return "";
  const text = isoDate(written, dates).replace(/^\$(?=[\d.]+$)/, "").replace(/^([+-]?[\d.]+) ?%$/, "$1");
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && !/^[+-]?0\d/.test(text)) {
    return /^[+-]?\d{16,}$/.test(text) ? text.replace("+", "") : String(Number(text));
  }
  if (/^(true|false)$/i.test(text)) return text.toLowerCase();
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.0+)?)?(?:Z|[+]00(?::?00)?)?)?$/.exec(text);
  if (date) return date[2] === undefined || /^00:00(00)?$/.test(date[2] + (date[3] ?? "")) ? date[1] : `${date[1]} ${date[2]}:${date[3] ?? "00"}`;
  return /^\d\d:\d\d:00$/.test(text) ? text.slice(0, 5) : text;
}

/** A name without what readers change: blanks, case, the joint of several lines, a number behind a name that is there already. */
const nameOf = (text) => String(text).trim().toLowerCase().replace(/[\s_./|:-]+/g, " ").trim();

const counted = (keys) => {
  const counts = new Map();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
};

/** Precision, recall and F1 of two collections. */
function measures(expected, found) {
  const left = counted(expected);
  let right = 0;
  for (const key of found) {
    const n = left.get(key) ?? 0;
    if (n > 0) {
      left.set(key, n - 1);
      right++;
    }
  }
  const precision = found.length ? right / found.length : Number(expected.length === 0);
  const recall = expected.length ? right / expected.length : Number(found.length === 0);
  return [precision, recall, precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0];
}

/** The names as read, each that will do for the truth's under the truth's first. */
function headerMeasures(truth, names) {
  if (truth === null) return measures(names.map(() => "*"), names.map((name) => (generated.test(name.trim()) ? "*" : name)));
  const used = new Set();
  const expected = truth.map((name) => nameOf(Array.isArray(name) ? name[0] : name));
  const found = names.map((name, at) => {
    const fits = (i) => i >= 0 && i < truth.length && !used.has(i) && [truth[i]].flat().some((one) =>
      nameOf(one) === nameOf(name) || (one === "" && generated.test(name.trim())) ||
      (truth.filter((other) => other === one).length > 1 && nameOf(name.replace(/[._ ]?\(?\d+\)?$/, "")) === nameOf(one)));
    const i = fits(at) ? at : truth.findIndex((_, other) => fits(other));
    if (i < 0) return `? ${name}`;
    used.add(i);
    return expected[i];
  });
  return measures(expected, found);
}

const keyOf = (row) => row.map((cell) => normalise(cell)).join("\x1f");

/** The truth's rows with each choice made: the first that was read, else the first of all. */
function chosen(truthRows, foundKeys) {
  const left = counted(foundKeys);
  const taken = (row) => row !== null && (left.get(keyOf(row)) ?? 0) > 0;
  const take = (row) => row !== null && left.set(keyOf(row), (left.get(keyOf(row)) ?? 0) - 1);
  const plainRows = truthRows.filter(Array.isArray);
  plainRows.forEach(take);
  const open = truthRows.filter((row) => !Array.isArray(row)).map(({ any }) => {
    const row = any.find(taken) ?? (any.includes(null) ? null : any[0]);
    take(row);
    return row;
  });
  return [...plainRows, ...open.filter((row) => row !== null)];
}

/** The ten measures; all 0 where nothing was read. found: { header: names, rows } or undefined. */
export function score(truth, found) {
  if (!found) return new Array(10).fill(0);
  const foundRows = found.rows.map((row) => row.map((cell) => normalise(cell, truth.dates)));
  const keys = foundRows.map(keyOf);
  const rows = chosen(truth.rows, keys);
  return [1, ...headerMeasures(truth.header, found.header), ...measures(rows.map(keyOf), keys),
    ...measures(rows.flat().map((cell) => normalise(cell)), foundRows.flat())];
}

export const sum = (values) => values.reduce((total, value) => total + value, 0);
