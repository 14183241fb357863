// Clean tables to be polluted: some of the shared data, and made ones whose texts hold separators, quotes, line ends, dates, money and
// letters beyond ASCII. A table is { name, header, rows, kinds }: texts as written, "" where missing; kinds "number", "text" or "date".
import { readFileSync } from "node:fs";
import path from "node:path";
import { sharedData } from "../api/daemon.mjs";

/** A generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const numeric = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** What each column holds: that of all its values which are not missing. */
function kindsOf(header, rows) {
  return header.map((_, column) => {
    const values = rows.map((row) => row[column]).filter((value) => value !== "");
    if (values.every((value) => numeric.test(value) && !/^0\d/.test(value))) return "number";
    return values.every((value) => /^\d{4}-\d\d-\d\d$/.test(value)) ? "date" : "text";
  });
}

/** A well-formed CSV (RFC 4180) as rows of texts; "NA" is missing. */
export function parse(text) {
  const rows = [[]];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/y;
  while (pattern.lastIndex < text.length) {
    const [, quoted, plain, end] = pattern.exec(text);
    rows.at(-1).push(quoted === undefined ? plain.replace(/^NA$/, "") : quoted.replaceAll('""', '"'));
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

function table(name, header, rows) {
  return { name, header, rows, kinds: kindsOf(header, rows) };
}

function fromShared(folder, file, nRows, header) {
  const where = sharedData(folder);
  if (!where) return [];
  const rows = parse(readFileSync(path.join(where, file), "utf8"));
  const names = header ?? rows.shift();
  // Every third row: classes often stand one below the other.
  const chosen = rows.filter((_, at) => at % Math.ceil(rows.length / nRows) === 0);
  return [table(folder, names, chosen)];
}

const pick = (next, values) => values[Math.floor(next() * values.length)];

/** Texts that hold separators, quotes and line ends; a date; an amount. */
function orders(next) {
  const goods = ["Bolt, M8", 'Pipe 3/4"', "Cable", "Lamp; warm", "Nut", "Sheet 2x1, zinc", "Glue\ntwo parts", 'The "best" nail', "Rope | 10 m", "Board"];
  const rows = Array.from({ length: 72 }, (_, i) => [
    String(1001 + i),
    `20${21 + (i % 3)}-${String(1 + (i % 12)).padStart(2, "0")}-${String(1 + ((i * 7) % 28)).padStart(2, "0")}`,
    pick(next, goods),
    String(1 + Math.floor(next() * 40)),
    (next() * 900 + 1000 * (i % 4) + 2).toFixed(2),
    next() < 0.15 ? "" : pick(next, ["left at the door", "call first, then deliver", "", "fragile", "see note 7"]),
  ]);
  return table("orders", ["id", "date", "article", "count", "amount", "remark"], rows);
}

/** Letters beyond ASCII, all of which windows-1252 has; codes with leading zeros. */
function people(next) {
  const first = ["Jörg", "Zoë", "André", "Ana", "Søren", "Lukas", "Müge", "Noël", "Beatriz", "Frances"];
  const last = ["Müller", "Peña", "O'Brien", "Lefèvre", "Ågren", "da Silva", "Weiß", "Smith", "Núñez", "Grün"];
  const rows = Array.from({ length: 60 }, (_, i) => [
    `${pick(next, first)} ${pick(next, last)}`,
    `0${1000 + i * 13}`,
    pick(next, ["Köln", "Málaga", "Zürich", "Århus", "Nîmes"]),
    (150 + next() * 50).toFixed(1),
    pick(next, ["yes", "no"]),
  ]);
  return table("people", ["name", "code", "city", "height", "member"], rows);
}

/** An instrument's log: times, signed values, exponents, gaps. */
function sensor(next) {
  const rows = Array.from({ length: 96 }, (_, i) => [
    `2024-05-${String(1 + Math.floor(i / 24)).padStart(2, "0")} ${String(i % 24).padStart(2, "0")}:30:00`,
    (next() * 40 - 12).toFixed(2),
    (980 + next() * 50).toFixed(1),
    next() < 0.1 ? "" : String(Math.floor(next() * 360)),
    `${(1 + next() * 8).toFixed(3)}e-${1 + Math.floor(next() * 4)}`,
  ]);
  return table("sensor", ["time", "temperature", "pressure", "direction", "flux"], rows);
}

/** Every script: for UTF-8 and UTF-16 alone. */
function cities(next) {
  const names = ["Москва", "東京", "القاهرة", "Αθήνα", "서울", "São Paulo", "Kraków", "İzmir", "Reykjavík", "🏝 Malé"];
  const rows = Array.from({ length: 50 }, (_, i) => [names[i % 10], String(100 + i * 37), (next() * 180 - 90).toFixed(4), pick(next, ["A", "B", "C"])]);
  return table("cities", ["city", "people", "latitude", "class"], rows);
}

const wineNames = ["class", "alcohol", "malic_acid", "ash", "alcalinity", "magnesium", "phenols", "flavanoids", "nonflavanoid", "proanthocyanins",
  "color", "hue", "od280", "proline"];

/** All clean tables; those of the shared data where that is there. */
export function cleanTables() {
  const next = random(7);
  return [
    ...fromShared("iris", "iris.csv", 150),
    ...fromShared("penguins", "penguins.csv", 120),
    ...fromShared("titanic", "titanic.csv", 100),
    ...fromShared("tips", "tips.csv", 130),
    ...fromShared("wine", "wine.csv", 60, [...wineNames.slice(1), wineNames[0]]),
    orders(next), people(next), sensor(next), cities(next),
  ];
}
