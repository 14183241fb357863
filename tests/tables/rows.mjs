// Pollutions of one row: a separator too many or too few, a stray or unclosed quote, another dialect, a line that is cut off. Each kind
// stands at the first, second, middle and last row, in the first, middle and last field. What is right after each is said at the kind.
import { bytesOf, fieldsOf, plain } from "./write.mjs";

const numeric = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The row as wide as the table: fields that are not there are missing. Undefined where it is too wide. */
const padded = (row, table) => (row.length > table.header.length ? undefined : [...row, ...Array(table.header.length - row.length).fill("")]);

/** Texts among numbers and dates become missing (few cells do not fit), or the column is one of texts, and they stay. */
function oddOrText(row, table) {
  const odd = row.map((value, column) => {
    const kind = table.kinds[column];
    if (kind === "number") return value === "" || numeric.test(value) ? value : "";
    return kind === "date" && !/^\d{4}-\d\d-\d\d$/.test(value) ? "" : value;
  });
  return odd.every((value, column) => value === row[column]) ? [row] : [odd, row];
}

/** Padded and judged; each reading of one list of fields. */
const readings = (fields, table) => (padded(fields, table) ? oddOrText(padded(fields, table), table) : [null]);

const inMiddle = (text, insert) => text.slice(0, Math.ceil(text.length / 2)) + insert + text.slice(Math.ceil(text.length / 2));
const isQuoted = (field, { quote }) => field.startsWith(quote);
/** The fields of the row, with one replaced, or with several in its place. */
const replaced = (row, at, ...instead) => [...row.slice(0, at), ...instead, ...row.slice(at + 1)];

/**
 * name → (spot) → { line, any } or undefined where it does not suit. A spot is { table, dialect, values, fields, at }: the row's values and
 * its fields as they stand, and the polluted field's number. `any`: the rows that will do; null: none.
 */
export const rowKinds = {
  // A row too long is set aside; a trailing empty field is dropped.
  "separator too many, empty field": ({ table, dialect: { separator }, values, fields, at }) => {
    const more = replaced(values, at, values[at], "");
    const rows = more.at(-1) === "" ? readings(more.slice(0, -1), table) : [null];
    return { line: replaced(fields, at, fields[at], "").join(separator), any: rows[0] === null ? rows : [...rows, null] };
  },
  "separator too many, field split": ({ dialect, values, fields, at }) => {
    if (isQuoted(fields[at], dialect) || values[at].length < 2) return undefined;
    return { line: replaced(fields, at, inMiddle(fields[at], dialect.separator)).join(dialect.separator), any: [null] };
  },
  // A row too short is padded.
  "separator too few": ({ table, dialect, values, fields, at }) => {
    const to = Math.min(at, values.length - 2);
    if (isQuoted(fields[to], dialect) || isQuoted(fields[to + 1], dialect)) return undefined;
    const merge = (row) => [...row.slice(0, to), row[to] + row[to + 1], ...row.slice(to + 2)];
    return { line: merge(fields).join(dialect.separator), any: readings(merge(values), table) };
  },
  "row too short": ({ table, dialect, values, fields, at }) => {
    const n = Math.max(1, Math.min(at, values.length - 1));
    if (values.slice(0, n).every((value) => value === "")) return undefined;
    return { line: fields.slice(0, n).join(dialect.separator), any: readings(values.slice(0, n), table) };
  },
  // A quote in a field that does not begin with one is a letter.
  "quote inside a field": ({ table, dialect, values, fields, at }) => {
    if (isQuoted(fields[at], dialect) || values[at].length < 2) return undefined;
    const text = inMiddle(values[at], dialect.quote);
    return { line: replaced(fields, at, text).join(dialect.separator), any: readings(replaced(values, at, text), table) };
  },
  "quote behind a field": ({ table, dialect, values, fields, at }) => {
    if (isQuoted(fields[at], dialect) || values[at] === "") return undefined;
    const text = values[at] + dialect.quote;
    return { line: replaced(fields, at, text).join(dialect.separator), any: readings(replaced(values, at, text), table) };
  },
  // In a quoted field it ends the quoted part, as pandas reads it, or it is a letter.
  "quote inside a quoted field": ({ table, dialect, values, fields, at }) => {
    const { separator, quote } = dialect;
    if (values[at].length < 2 || /["'\n]/.test(values[at]) || values[at].includes(separator)) return undefined;
    const text = inMiddle(values[at], quote);
    const lenient = `${text.replace(quote, "")}${quote}`;
    return {
      line: replaced(fields, at, quote + text + quote).join(separator),
      any: [lenient, text].flatMap((value) => readings(replaced(values, at, value), table)),
    };
  },
  "text behind a quoted field": ({ table, dialect, values, fields, at }) => {
    const { separator, quote } = dialect;
    if (values[at] === "" || /["'\n]/.test(values[at])) return undefined;
    return { line: replaced(fields, at, `${quote}${values[at]}${quote}x`).join(separator), any: readings(replaced(values, at, `${values[at]}x`), table) };
  },
  "text before a quoted field": ({ table, dialect, values, fields, at }) => {
    const { separator, quote } = dialect;
    if (values[at] === "" || /["'\n]/.test(values[at]) || values[at].includes(separator)) return undefined;
    const text = `x${quote}${values[at]}${quote}`;
    return { line: replaced(fields, at, text).join(separator), any: readings(replaced(values, at, text), table) };
  },
  // An unclosed quote ends at its line: the rest of the line is its field, or the quote is a letter, or the row is set aside.
  "unclosed quote": ({ table, dialect, values, fields, at }) => {
    const { separator, quote } = dialect;
    if (fields.slice(at).some((field) => isQuoted(field, dialect)) || values.some((value) => value.includes("\n"))) return undefined;
    const rest = [...values.slice(0, at), values.slice(at).join(separator)];
    const literal = replaced(values, at, quote + values[at]);
    return {
      line: replaced(fields, at, quote + fields[at]).join(separator),
      any: [...readings(rest, table), ...readings(literal, table), values, null],
    };
  },
  // Another dialect in one row: the row is read by it, or set aside.
  "other separator in a row": ({ dialect, values, fields }) => {
    const other = dialect.separator === ";" ? "," : ";";
    if (fields.some((field) => field.includes(other))) return undefined;
    return { line: fields.join(other), any: [values, null] };
  },
  "other quote in a row": ({ table, dialect, values, fields, at }) => {
    if (isQuoted(fields[at], dialect) || values[at] === "" || values[at].includes("'") || table.kinds[at] !== "text") return undefined;
    const text = `'${values[at]}'`;
    return { line: replaced(fields, at, text).join(dialect.separator), any: [values, replaced(values, at, text)] };
  },
  "blanks around a field": ({ dialect, values, fields, at }) => {
    if (isQuoted(fields[at], dialect) || values[at] === "") return undefined;
    return { line: replaced(fields, at, `  ${fields[at]} `).join(dialect.separator), any: [values] };
  },
  "NUL in a field": ({ table, dialect, values, fields, at }) => {
    if (isQuoted(fields[at], dialect) || values[at].length < 2) return undefined;
    const text = inMiddle(values[at], "\0");
    return { line: replaced(fields, at, text).join(dialect.separator), any: [values, ...readings(replaced(values, at, text), table), null] };
  },
};

/** The file with row `row` polluted at field `at`, or undefined where the kind does not suit it. */
export function pollutedRow(kind, table, dialect, row, at) {
  const { header, rows } = fieldsOf(table, dialect);
  const spot = { table, dialect, values: table.rows[row], fields: rows[row], at };
  const polluted = rowKinds[kind](spot);
  if (!polluted) return undefined;
  const lines = [header, ...rows].map((fields) => fields.join(dialect.separator));
  lines[row + 1] = polluted.line;
  return {
    bytes: bytesOf(lines, dialect),
    truth: { header: table.header, rows: table.rows.map((values, i) => (i === row ? { any: polluted.any } : values)) },
  };
}

const spots = (n) => [...new Set([0, 1, Math.floor(n / 2), n - 1])];

/** Every kind at every spot of every table. */
export function* pollutedRows(tables) {
  for (const kind of Object.keys(rowKinds)) {
    for (const [number, table] of tables.entries()) {
      const dialect = { ...plain, separator: [",", ",", ";", "\t"][number % 4] };
      for (const row of spots(table.rows.length)) {
        for (const at of [0, Math.floor(table.header.length / 2), table.header.length - 1]) {
          const file = pollutedRow(kind, table, dialect, row, at);
          if (file) yield { kind, name: `${table.name}, row ${row + 1}, field ${at + 1}`, ...file };
        }
      }
    }
  }
}
