// A table as the bytes of a CSV in any dialect: fields, lines, bytes.

/** How a file is written. `quoting`: "minimal", "all", "text" or "none"; `decimal` and `thousands` concern columns of numbers. */
export const plain = {
  separator: ",", quote: '"', escape: "double", quoting: "minimal", decimal: ".", thousands: "", eol: "\n", lastEol: "\n", encoding: "utf-8",
  bom: false,
};

/** A number with the dialect's decimal point and thousands separator. */
function numberText(text, { decimal, thousands }) {
  if (/e/i.test(text)) return text.replace(".", decimal);
  const [, sign, whole, fraction] = /^([+-]?)(\d*)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return text;
  const grouped = thousands && whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, thousands) : whole;
  return sign + grouped + (fraction === undefined ? "" : decimal + fraction);
}

/** One field as it stands in the file. kind "number", "text" or "date". */
export function fieldText(value, kind, dialect) {
  const { separator, quote, escape, quoting } = dialect;
  const text = kind === "number" ? numberText(value, dialect) : value;
  const needed = text.includes(separator.trim() || separator) || text.includes(quote) || /[\r\n]/.test(text) || /^\s|\s$/.test(text) ||
    (separator === " " && (text === "" || /\s/.test(text)));
  if (quoting === "none" || !quote || !(needed || quoting === "all" || (quoting === "text" && kind !== "number"))) return text;
  const inner = escape === "double" ? text.replaceAll(quote, quote + quote) : text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`);
  return quote + inner + quote;
}

/** The table's fields, as they stand: { header, rows }. */
export function fieldsOf(table, dialect) {
  return {
    header: table.header.map((name) => fieldText(name, "text", dialect)),
    rows: table.rows.map((row) => row.map((value, column) => fieldText(value, table.kinds[column], dialect))),
  };
}

const windows1252 = new Map([..."€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—"].map((letter, at) => [letter, 0x80 + at]));

/** The text in the dialect's encoding. */
export function encode(text, { encoding, bom }) {
  const marked = bom ? `\ufeff${text}` : text;
  switch (encoding) {
    case "utf-16le": return Buffer.from(marked, "utf16le");
    case "utf-16be": return Buffer.from(marked, "utf16le").swap16();
    case "latin-1": return Buffer.from(text, "latin1");
    case "windows-1252": return Buffer.from([...text].map((letter) => windows1252.get(letter) ?? letter.charCodeAt(0)));
    default: return Buffer.from(marked, "utf8");
  }
}

/** Lines to bytes: each ends with `eol`, the last with `lastEol`. */
export function bytesOf(lines, dialect) {
  return encode(lines.join(dialect.eol) + dialect.lastEol, dialect);
}
