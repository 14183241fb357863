// A whole table in every dialect: separators, quotes, escapes, line ends, marks of numbers, encodings; and several pollutions at once.
import { bytesOf, encode, fieldsOf, plain } from "./write.mjs";

const fileOf = (kind, name, table, dialect, truth = { header: table.header, rows: table.rows }) => {
  const { header, rows } = fieldsOf(table, dialect);
  return { kind, name, bytes: bytesOf([header, ...rows].map((fields) => fields.join(dialect.separator)), dialect), truth };
};

/** kind → what differs from a plain CSV. */
const dialects = {
  plain: {},
  "separator ;": { separator: ";" },
  "separator tab": { separator: "\t" },
  "separator |": { separator: "|" },
  "separator :": { separator: ":" },
  "separator and a blank": { separator: ", " },
  "quotes '": { quote: "'", quoting: "text" },
  "quotes ' only where needed": { quote: "'" },
  "all fields quoted": { quoting: "all" },
  "all fields quoted, separator ;": { quoting: "all", separator: ";" },
  "texts quoted": { quoting: "text" },
  "escape by backslash": { escape: "backslash", quoting: "text" },
  "CRLF": { eol: "\r\n", lastEol: "\r\n" },
  "CR": { eol: "\r", lastEol: "\r" },
  "no line end at the end": { lastEol: "" },
  "CRLF, no line end at the end": { eol: "\r\n", lastEol: "" },
  "BOM": { bom: true },
  "BOM, all fields quoted": { bom: true, quoting: "all" },
  "UTF-16LE with mark": { encoding: "utf-16le", bom: true },
  "UTF-16BE with mark": { encoding: "utf-16be", bom: true },
  "UTF-16LE without mark": { encoding: "utf-16le" },
  "UTF-16BE without mark": { encoding: "utf-16be" },
  "UTF-16LE with mark, tabs": { encoding: "utf-16le", bom: true, separator: "\t" },
  "decimal comma, separator ;": { separator: ";", decimal: "," },
  "decimal comma, separator tab": { separator: "\t", decimal: "," },
  "decimal comma, numbers quoted": { quoting: "minimal", decimal: "," },
  "decimal comma, thousands with points": { separator: ";", decimal: ",", thousands: "." },
  "thousands with commas": { thousands: "," },
  "thousands with commas, separator ;": { separator: ";", thousands: "," },
  "thousands with blanks, decimal comma": { separator: ";", decimal: ",", thousands: " " },
};

/** Numbers of these tables have decimals or are large, so that a mark of numbers is seen. */
const hasMarks = (table) => table.rows.some((row) => row.some((value, column) => table.kinds[column] === "number" && /\.|\d{4}/.test(value)));

function suits(kind, dialect, table) {
  if (/decimal|thousands/.test(kind)) return hasMarks(table) && table.name !== "sensor";
  if (dialect.separator === ":") return table.name !== "sensor";
  if (/^UTF-16/.test(kind)) return true;
  return table.name !== "cities" || !dialect.encoding;
}

function* inEveryDialect(table) {
  for (const [kind, changes] of Object.entries(dialects)) {
    const dialect = { ...plain, ...changes };
    if (suits(kind, dialect, table)) yield fileOf(kind, table.name, table, dialect);
  }
}

/** Tables without blanks, with nothing missing. */
function* byBlanks(table) {
  if (table.rows.some((row) => row.some((value) => value === "" || /[\s"]/.test(value)))) return;
  yield fileOf("separator blank", table.name, table, { ...plain, separator: " " });
  const { header, rows } = fieldsOf(table, plain);
  const aligned = [header, ...rows].map((fields) => fields.map((text) => text.padStart(14)).join(" "));
  yield { kind: "separator blanks, aligned", name: table.name, bytes: bytesOf(aligned, plain), truth: { header: table.header, rows: table.rows } };
}

/** Bytes of one byte a letter, for tables whose letters are there. */
function* byByte(table) {
  const text = table.rows.flat().join("");
  if (/^[\x00-\xff]*$/.test(text) && /[\x80-\xff]/.test(text)) yield fileOf("Latin-1", table.name, table, { ...plain, encoding: "latin-1" });
  if (!/^[\x00-\xff]*$/.test(text) || !/[\x80-\xff]/.test(text)) return;
  const marks = { ...table, rows: table.rows.map((row) => row.map((value) => value.replace("'", "’").replace("yes", "“yes”"))) };
  for (const separator of [",", ";", "\t"]) {
    yield fileOf("windows-1252", `${table.name}, ${JSON.stringify(separator)}`, marks, { ...plain, separator, encoding: "windows-1252" });
  }
}

/** Line ends that differ within the file. */
function* mixedEnds(table) {
  if (table.rows.some((row) => row.some((value) => value.includes("\n")))) return;
  const { header, rows } = fieldsOf(table, plain);
  const lines = [header, ...rows].map((fields) => fields.join(","));
  const truth = { header: table.header, rows: table.rows };
  const mix = (name, end) => ({ kind: "line ends mixed", name: `${table.name}, ${name}`, truth, bytes: encode(lines.map((line, at) => line + end(at)).join(""), plain) });
  yield mix("every second CRLF", (at) => (at % 2 ? "\r\n" : "\n"));
  yield mix("header CRLF", (at) => (at === 0 ? "\r\n" : "\n"));
  yield mix("last CRLF", (at) => (at === lines.length - 1 ? "\r\n" : "\n"));
  yield mix("one LF among CRLF", (at) => (at === 7 ? "\n" : "\r\n"));
  yield mix("one CR among LF", (at) => (at === 7 ? "\r" : "\n"));
}

/** One column alone: of numbers, of texts, of quoted texts. */
function* oneColumn(table) {
  for (const [column, name] of table.header.entries()) {
    const rows = table.rows.map((row) => [row[column]]).filter(([value]) => value !== "");
    if (column > 3 || new Set(rows.flat()).size < 3) continue;
    const narrow = { ...table, header: [name], rows, kinds: [table.kinds[column]] };
    yield fileOf("one column", `${table.name}, ${name}`, narrow, plain);
  }
}

/** Several pollutions at once, as exports have them. */
function* combined(table) {
  const truth = { header: table.header, rows: table.rows };
  const make = (name, dialect, top, bottom = []) => {
    const { header, rows } = fieldsOf(table, dialect);
    return { kind: "several at once", name: `${table.name}, ${name}`, bytes: bytesOf([...top, ...[header, ...rows].map((fields) => fields.join(dialect.separator)), ...bottom], dialect), truth };
  };
  yield make("sep= and BOM", { ...plain, separator: ";", bom: true, eol: "\r\n", lastEol: "\r\n" }, ["sep=;"]);
  yield make("title, CRLF, footer", { ...plain, eol: "\r\n", lastEol: "\r\n" }, ["Report 17b", ""], ["", "Source: own survey"]);
  yield make("tabs, UTF-16, title", { ...plain, separator: "\t", encoding: "utf-16le", bom: true }, ["Report 17b", ""]);
  yield make("quoted, comment, no end", { ...plain, quoting: "all", lastEol: "" }, ["# from the archive"]);
  if (table.name !== "sensor" && hasMarks(table)) {
    yield make("decimal comma, preamble", { ...plain, separator: ";", decimal: ",", eol: "\r\n", lastEol: "\r\n" }, ["Station;Berlin", "Stand;17.05.2024", ""]);
  }
}

/** Every dialect, of every table. */
export function* polluted(tables) {
  for (const table of tables) {
    for (const make of [inEveryDialect, byBlanks, byByte, mixedEnds, oneColumn, combined]) yield* make(table);
  }
}
