// Pollutions of a table's structure: what stands above, within and below it, its header, other tables beside it, and where it ends.
import { bytesOf, fieldsOf, plain } from "./write.mjs";

const titles = ["Measurements of the spring campaign", "Report 17b", "Department of Works and Water", "All values are provisional", "Prepared for the yearly review"];
const notes = ["Source: own survey", "Note: values below the limit are left out, see page 4", "* provisional"];

/** The table's lines as they stand: { header, rows }, and its separator. */
function linesOf(table, dialect) {
  const { header, rows } = fieldsOf(table, dialect);
  const line = (fields) => fields.join(dialect.separator);
  return { header: line(header), rows: rows.map(line), separator: dialect.separator, n: table.header.length };
}

const truthOf = (table) => ({ header: table.header, rows: table.rows });
const insert = (list, at, ...more) => [...list.slice(0, at), ...more, ...list.slice(at)];
const pad = (text, { n, separator }) => text + separator.repeat(n - 1);
const quotedFor = (text, { separator }) => (text.includes(separator) ? `"${text}"` : text);

/** A small table of another shape. */
function other(n, nRows) {
  const names = ["station", "visits", "cost", "staff", "area", "share", "rooms", "age", "floors", "weight", "mass", "beds", "doors", "cars", "lamps"];
  const rows = Array.from({ length: nRows }, (_, i) => names.slice(0, n).map((_, column) => (column === 0 ? `S${i + 1}` : String((i + 2) * (column + 3)))));
  return [names.slice(0, n), ...rows];
}

const isNumberTable = (table) => table.kinds.filter((kind) => kind === "number").length >= 2;

/** Lines above the header. name → (lines, n) → lines; n: how many. The truth is the table. */
const above = {
  "title lines": (t, n) => titles.slice(0, n).map((text) => quotedFor(text, t)),
  "title lines and an empty one": (t, n) => [...titles.slice(0, n).map((text) => quotedFor(text, t)), ""],
  "title lines padded with separators": (t, n) => titles.slice(0, n).map((text) => pad(quotedFor(text, t), t)),
  "preamble of names and values": (t, n) =>
    ["Station", "Created", "Operator", "Serial", "Version"].slice(0, n).map((name, i) => `${name}${t.separator}${["Berlin", "2024-05-17", "KL", "2231", "1.4"][i]}`),
  "preamble of names and values, an empty line": (t, n) => [...above["preamble of names and values"](t, n), ""],
  "preamble with separators in its texts": (t, n) =>
    titles.slice(0, n).map((text, i) => (t.n > 3 ? `${text}${t.separator} part ${i}${t.separator} final` : text)),
  "empty lines above": (t, n) => Array(n).fill(""),
  "lines of separators above": (t, n) => Array(n).fill(t.separator.repeat(t.n - 1)),
  "comment lines above": (t, n) => titles.slice(0, n).map((text) => `# ${text}`),
  "comment lines above, //": (t, n) => titles.slice(0, n).map((text) => `// ${text}`),
  "comment lines above, %": (t, n) => titles.slice(0, n).map((text) => `% ${text}`),
};

/** Lines below the last row. The truth is the table. */
const below = {
  "footer lines": (t, n) => notes.slice(0, n).map((text) => quotedFor(text, t)),
  "footer lines after an empty one": (t, n) => ["", ...notes.slice(0, n).map((text) => quotedFor(text, t))],
  "footer lines padded with separators": (t, n) => notes.slice(0, n).map((text) => pad(quotedFor(text, t), t)),
  "footer with separators in its text": (t) => [`Source: survey${t.separator} 2024${t.separator} own figures`],
  "row count below": (t, n) => [["(72 rows)", "72 rows selected.", "Total rows: 72"][n % 3]],
  "several line ends below": (t, n) => Array(n).fill(""),
  "lines of separators below": (t, n) => Array(n).fill(t.separator.repeat(t.n - 1)),
};

/** Lines within. name → (lines, at) → lines in place of none before row `at`. */
const within = {
  "empty line within": () => [""],
  "line of blanks within": () => ["   "],
  "several empty lines within": () => ["", "", ""],
  "line of separators within": (t) => [t.separator.repeat(t.n - 1)],
  "comment line within": () => ["# the sensor was cleaned here"],
  "header again within": (t) => [t.header],
};

const file = (kind, name, lines, truth, dialect = plain) => ({ kind, name, bytes: bytesOf(lines, dialect), truth });

function* lineKinds(table, dialect) {
  const t = linesOf(table, dialect);
  for (const [kind, make] of Object.entries(above)) {
    for (const n of [1, 2, 3, 5]) yield file(kind, `${table.name}, ${n}`, [...make(t, n), t.header, ...t.rows], truthOf(table), dialect);
  }
  for (const [kind, make] of Object.entries(below)) {
    for (const n of [1, 2, 3]) yield file(kind, `${table.name}, ${n}`, [t.header, ...t.rows, ...make(t, n)], truthOf(table), dialect);
  }
  for (const [kind, make] of Object.entries(within)) {
    // Lines of separators are nothing, or rows of missing values.
    const empty = { any: [null, Array(t.n).fill("")] };
    const truth = kind === "line of separators within" ? { header: table.header, rows: [...table.rows, empty] } : truthOf(table);
    const first = kind.startsWith("comment") ? ["# made by hand"] : [];
    for (const at of [0, 1, Math.floor(t.rows.length / 2), t.rows.length - 1]) {
      yield file(kind, `${table.name}, before row ${at + 1}`, [...first, t.header, ...insert(t.rows, at, ...make(t))], truth, dialect);
    }
  }
  yield file("file twice, each with its header", table.name, [t.header, ...t.rows, t.header, ...t.rows],
    { header: table.header, rows: [...table.rows, ...table.rows] }, dialect);
}

/** A row of totals below is no record, where a word says so. */
function* totals(table, dialect) {
  const t = linesOf(table, dialect);
  const first = table.kinds[0] !== "number" && table.kinds.slice(1).includes("number");
  if (!first) return;
  for (const word of ["Total", "Sum", "Summe", "Grand total"]) {
    const sums = table.kinds.map((kind, column) => (column === 0 ? word : kind === "number"
      ? String(Math.round(table.rows.reduce((total, row) => total + Number(row[column]), 0) * 100) / 100).replace(".", dialect.decimal) : ""));
    yield file("row of totals", `${table.name}, ${word}`, [t.header, ...t.rows, sums.join(dialect.separator)], truthOf(table), dialect);
    yield file("row of totals after an empty line", `${table.name}, ${word}`, [t.header, ...t.rows, "", sums.join(dialect.separator)], truthOf(table), dialect);
  }
}

/** Headers: of several lines, with units, none, alone, short, long, twice the same name. */
function* headers(table, dialect) {
  const t = linesOf(table, dialect);
  const join = (fields) => fields.join(dialect.separator);
  const yields = (kind, header, truth, rows = t.rows, name = table.name) => file(kind, name, [...header, ...rows], truth, dialect);
  const rows = table.rows;
  const withHeader = (header) => ({ header, rows });
  if (isNumberTable(table)) {
    const groups = table.header.map((_, at) => (at === 0 ? "" : at % 2 === 1 ? `Group ${(at + 1) / 2}` : ""));
    const group = (at) => (at === 0 ? "" : `Group ${Math.ceil(at / 2)}`);
    yield yields("header of two lines, groups above", [join(groups), t.header], withHeader(table.header.map((name, at) => [`${group(at)} ${name}`, `${groups[at]} ${name}`, name])));
    const halves = table.header.map((name) => name.split(/_(.*)/));
    yield yields("header of two lines, names broken", [join(halves.map((half) => half[0])), join(halves.map((half) => half[1] ?? ""))],
      withHeader(table.header.map((name, at) => [name, halves[at][1] ?? halves[at][0]])));
    yield yields("header of three lines", [join(groups), join(halves.map((half) => half[0])), join(halves.map((half) => half[1] ?? ""))],
      withHeader(table.header.map((name, at) => [`${group(at)} ${name}`, `${groups[at]} ${name}`, name, halves[at][1] ?? halves[at][0]])));
    for (const [form, unit] of [["plain", (u) => u], ["in brackets", (u) => `[${u}]`], ["in parentheses", (u) => `(${u})`]]) {
      const units = table.kinds.map((kind, at) => (kind === "number" ? unit(["cm", "kg", "m/s", "mm", "°C", "EUR"][at % 6]) : ""));
      yield yields(`line of units, ${form}`, [t.header, join(units)], withHeader(table.header.map((name, at) => [name, `${name} ${units[at]}`, `${name} [${units[at]}]`, `${name} (${units[at]})`])));
    }
    yield yields("no header", [], withHeader(null));
  }
  yield yields("header without rows", [t.header], { header: table.header, rows: [] }, []);
  yield yields("one row", [t.header, t.rows[0]], { header: table.header, rows: [rows[0]] }, []);
  const numbered = rows.map((row, at) => [`r${at + 1}`, ...row]);
  yield yields("row names without a name", [t.header], { header: [["", "row names", "row", "index", "rownames"], ...table.header], rows: numbered },
    t.rows.map((row, at) => `r${at + 1}${dialect.separator}${row}`));
  yield yields("row numbers under an empty name", [dialect.separator + t.header], { header: ["", ...table.header], rows: rows.map((row, at) => [String(at), ...row]) },
    t.rows.map((row, at) => `${at}${dialect.separator}${row}`));
  const twice = [...table.header.slice(0, -1), table.header[0]];
  yield yields("the same name twice", [join(twice)], withHeader(twice));
  const long = table.header.map((name, at) => (at === 1 ? `${name} ${"as measured by the second observer ".repeat(9)}` : name).trim());
  yield yields("a very long name", [join(long)], withHeader(long));
  yield yields("a name without text", [join(table.header.map((name, at) => (at === 1 ? "" : name)))], withHeader(table.header.map((name, at) => (at === 1 ? "" : name))));
  yield yields("a name in two lines", [join(table.header.map((name, at) => (at === 1 ? `"${name}\nall"` : name)))],
    withHeader(table.header.map((name, at) => (at === 1 ? `${name} all` : name))));
  yield yields("separator too many in the header", [join(insert(table.header, 1, ""))], withHeader(table.header));
  yield yields("names with blanks around", [join(table.header.map((name) => ` ${name} `))], withHeader(table.header));
}

/** Every row with separators behind it; the end of the file cut. */
function* ends(table, dialect) {
  const t = linesOf(table, dialect);
  const { separator } = dialect;
  for (const n of [1, 3]) {
    const more = separator.repeat(n);
    yield file("separators behind every line", `${table.name}, ${n}`, [t.header, ...t.rows].map((line) => line + more), truthOf(table), dialect);
    yield file("separators behind every row but not the header", `${table.name}, ${n}`, [t.header, ...t.rows.map((line) => line + more)], truthOf(table), dialect);
  }
  const { rows } = fieldsOf(table, dialect);
  const last = rows.at(-1);
  for (const n of [1, Math.floor(table.header.length / 2), table.header.length - 1]) {
    const cut = last.slice(0, n).join(separator);
    const truth = { header: table.header, rows: table.rows.slice(0, -1) };
    yield file("last row cut off", `${table.name}, field ${n}`, [t.header, ...t.rows.slice(0, -1), cut], truth, { ...dialect, lastEol: "" });
  }
  for (const nuls of [1, 512]) {
    yield { kind: "NUL bytes at the end", name: `${table.name}, ${nuls}`, truth: truthOf(table),
      bytes: Buffer.concat([bytesOf([t.header, ...t.rows], dialect), Buffer.alloc(nuls)]) };
  }
}

/** Another table before or behind: the larger one is taken. */
function* several(table, dialect) {
  if (!isNumberTable(table) || table.rows.length < 40) return;
  const t = linesOf(table, dialect);
  const widths = { narrower: Math.max(2, t.n - 2), "of the same width": t.n, wider: t.n + 1 };
  for (const [width, n] of Object.entries(widths)) {
    const second = other(n, 5).map((row) => row.join(dialect.separator));
    for (const [gap, empty] of Object.entries({ "without an empty line": [], "after an empty line": [""], "after its title": ["", "Stations", ""] })) {
      yield file(`second table ${width}, ${gap}`, table.name, [t.header, ...t.rows, ...empty, ...second], truthOf(table), dialect);
    }
    yield file(`first table ${width}, then an empty line`, table.name, [...second, "", t.header, ...t.rows], truthOf(table), dialect);
    yield file(`first table ${width}, then a title`, table.name, ["Stations", ...second, "", "Records", t.header, ...t.rows], truthOf(table), dialect);
  }
}

/** Every kind of structure, of every table. */
export function* pollutedStructures(tables) {
  for (const [number, table] of tables.entries()) {
    const dialect = { ...plain, separator: [",", ";", ",", "\t"][number % 4] };
    for (const make of [lineKinds, totals, headers, ends, several]) yield* make(table, dialect);
  }
}
