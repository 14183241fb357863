// Files as they turn up in the wild, broken in every way that people have reported of CSV readers: made here, by name.
import { gzipSync } from "node:zlib";

const text = (...lines) => lines.flat().join("\n") + "\n";
const rows = (n, row) => Array.from({ length: n }, (_, i) => row(i));
/** n rows that something can be learnt from, each passed through `change`. */
const good = (n, change = (line) => line, header = "a,b,label") =>
  text(header, ...rows(n, (i) => change(`${i % 17},${(i * 7) % 13}.5,${i % 2 ? "yes" : "no"}`, i)));
const at = (index, other) => (line, i) => (i === index ? other : line);
const utf16 = (string, little = true) => {
  const bytes = Buffer.from("\ufeff" + string, "utf16le");
  return little ? bytes : bytes.swap16();
};
const latin = (string) => Buffer.from(string, "latin1");
const join = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

/** A small generator, always the same: [0, n). */
export function dice(seed) {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

const empty = {
  "no byte": "",
  "one newline": "\n",
  "only newlines": "\n".repeat(5000),
  "only CRs": "\r".repeat(5000),
  "only CRLFs": "\r\n".repeat(5000),
  "only blanks": " ".repeat(5000),
  "only tabs": "\t\t\t\n\t\t\t\n",
  "only commas": text(",,,", ",,,", ",,,"),
  "only semicolons": ";".repeat(1000),
  "only a BOM": "\ufeff",
  "a BOM and a newline": "\ufeff\n",
  "half a BOM": Buffer.from([0xef, 0xbb]),
  "a UTF-16 BOM and nothing": Buffer.from([0xff, 0xfe]),
  "one NUL": Buffer.from([0]),
  "NULs": Buffer.alloc(5000),
  "one quote": '"',
  "two quotes": '""',
  "three quotes": '"""',
  "quotes": '"'.repeat(999),
  "quoted nothing": text('"",""', '"",""'),
  "a comment": "# nothing here\n",
  "comments": "# a\n".repeat(1000),
  "one digit": "1",
  "one word": "x",
  "a header": "a,b,c",
  "a header and a newline": "a,b,c\n",
  "a header and blank lines": "a,b,c\n\n\n\n",
  "a row of numbers": "1,2,3\n",
  "sep= line": text("sep=;", "a;b;y", ...rows(30, (i) => `${i};${i * 2};${i % 2}`)),
};

const quotes = {
  "a quote that is never closed": good(40, at(20, '1,"2,no')),
  "a quote opened in the last field": good(40) + '1,2,"no',
  "a quote opened in the header": good(40, undefined, 'a,"b,label'),
  "a quote in the middle": good(40, at(20, '1,2"3,no')),
  "a quote at the end of a bare field": good(40, at(20, '1,23",no')),
  "text after a closing quote": good(40, at(20, '1,"2"3,no')),
  "a lone quote as a field": good(40, at(20, '1,",no')),
  "quotes escaped by backslash": good(40, at(20, '1,2,"a \\"b\\" c"')),
  "blanks before a quote": good(40, at(20, '1, "2" ,no')),
  "a newline in quotes": good(40, at(20, '1,2,"n\no"')),
  "CRLF in quotes among LFs": good(40, at(20, '1,2,"n\r\no"')),
  "all quoted": good(40, (line) => line.replace(/[^,]+/g, '"$&"')),
  "single quotes": good(40, (line) => line.replace(/[^,]+/g, "'$&'")),
  "typographic quotes": good(40, (line) => line.replace(/[^,]+/g, "\u201c$&\u201d")),
  "doubled quotes everywhere": good(40, (line) => line.replace(/[^,]+$/, '"""$&"""')),
  "quotes in quotes in quotes": good(40, at(3, '1,2,"""""""""')),
};

const shapes = {
  "a short row": good(40, at(20, "1,2")),
  "a long row": good(40, at(20, "1,2,no,4")),
  "a short last row": good(40) + "1",
  "each row another length": text(...rows(60, (i) => Array(1 + (i % 7)).fill(i).join(","))),
  "a separator at each line's end": good(40, (line) => line + ","),
  "separators at each line's end and the header's": good(40, (line) => line + ",,", "a,b,label,,"),
  "a header longer than the rows": good(40, undefined, "a,b,label,d,e"),
  "a header shorter than the rows": good(40, undefined, "a,b"),
  "blank lines between": good(40, (line) => line + "\n\n"),
  "lines of blanks between": good(40, (line) => line + "\n   \t "),
  "a total at the end": good(40) + "Total,,\n",
  "a title above": "Report of 2024\n\n" + good(40),
  "several titles above": "Report\nby someone\n,,\n\n" + good(40),
  "the header again in the middle": good(40, at(20, "a,b,label")),
  "two headers": "x,y,z\n" + good(40),
  "units under the header": text("a,b,label", "[m],[s],", ...rows(40, (i) => `${i},${i % 5},${i % 2}`)),
  "a table and another below": good(40) + "\n\nname,size\nx,1\ny,2\n",
  "one column": text("y", ...rows(60, (i) => i % 2)),
  "one column without header": text(...rows(60, (i) => i % 2)),
  "one row": "a,b,y\n1,2,3\n",
  "two rows": "a,b,y\n1,2,0\n2,1,1\n",
  "one row without header": "1,2,3",
  "no newline at the end": good(40).trimEnd(),
  "names that are empty": good(40, undefined, ",,"),
  "names that are the same": good(40, undefined, "a,a,a"),
  "names like those given to equal ones": text("a,a,a.2,a.2.2,a", ...rows(40, (i) => `${i},1,${i % 3},4,${i % 2}`)),
  "names of blanks": good(40, undefined, " ,  ,\t"),
  "names with newlines": good(40, undefined, '"a\nb","c\r\nd","e"'),
  "names that are numbers": good(40, undefined, "2019,2020,2021"),
  "names with HTML": good(40, undefined, '<b>a</b>,"<script>alert(1)</script>",label'),
  "names for JavaScript": good(40, undefined, "__proto__,constructor,toString"),
  "a name of a megabyte": good(40, undefined, `a,${"n".repeat(1 << 20)},label`),
  "separators of every kind": text("a,b;c\td|e", ...rows(40, (i) => `1,2;3\t4|${i % 2}`)),
  "another separator halfway": good(20) + good(20, (line) => line.replaceAll(",", ";"), ""),
  "columns padded with blanks": text(...rows(40, (i) => `${String(i).padStart(8)}${String(i % 7).padStart(12)}${String(i % 2).padStart(4)}`)),
  "separated by two bars": good(40, (line) => line.replaceAll(",", "||"), "a||b||label"),
  "separated by control characters": good(40, (line) => line.replaceAll(",", "\x1f"), "a\x1fb\x1flabel"),
  "an index column without a name": text(",a,label", ...rows(40, (i) => `${i},${(i * 7) % 11},${i % 2}`)),
};

const line_ends = {
  CR: good(40).replaceAll("\n", "\r"),
  CRLF: good(40).replaceAll("\n", "\r\n"),
  "LFCR": good(40).replaceAll("\n", "\n\r"),
  "CRCRLF": good(40).replaceAll("\n", "\r\r\n"),
  "mixed": good(40, (line, i) => line + ["", "\r", "\r\n\r", "\n"][i % 4]),
  "U+2028": good(40).replaceAll("\n", "\u2028"),
  "form feeds and vertical tabs": good(40, (line) => line + "\f\v"),
  "Ctrl-Z at the end": good(40) + "\x1a",
  "a CR in a field": good(40, at(9, "1,2\r3,no")),
};

const codings = {
  "UTF-8 with BOM": "\ufeff" + good(40),
  "two BOMs": "\ufeff\ufeff" + good(40),
  "a BOM in the middle": good(40, at(20, "\ufeff1,2,no")),
  "a BOM before a quoted name": '\ufeff"a",b,label\n' + good(40).slice(10),
  "UTF-16LE": utf16(good(40)),
  "UTF-16BE": utf16(good(40), false),
  "UTF-16LE of an odd length": utf16(good(40)).subarray(0, -1),
  "UTF-16BE of an odd length": utf16(good(40), false).subarray(0, -1),
  "UTF-16 without BOM": Buffer.from(good(40), "utf16le"),
  "UTF-16 with lone surrogates": utf16(good(40, at(3, "1,2,\ud800")) + "\udfff"),
  "UTF-16 BOM before UTF-8": join([0xff, 0xfe], good(40)),
  "UTF-32LE": Buffer.from(new Uint32Array([0xfeff, ...good(40)].map((c) => (typeof c === "number" ? c : c.codePointAt(0)))).buffer),
  "Latin-1": latin(good(40, (line) => line.replace("yes", "s\xed"))),
  "Windows-1252": join(good(20), [0x80, 0x2c, 0x31, 0x2c, 0x93, 0x61, 0x94, 0x0a]),
  "invalid UTF-8": join(good(40), [0xc3, 0x28, 0x2c, 0x31, 0x2c, 0xff, 0xfe, 0xfd, 0x0a]),
  "UTF-8 cut in a character": join(good(40), "1,2,", [0xe2, 0x82]),
  "overlong UTF-8": join(good(40), "1,2,", [0xc0, 0x80, 0x0a]),
  "UTF-8 and Latin-1 together": join(good(40, at(1, "1,2,\u00e9")), "1,2,", latin("\xe9\n")),
  "two times encoded": good(40, (line) => line.replace("yes", "\u00c3\u00a9")),
  "NUL in a field": good(40, at(20, "1,2\0,no")),
  "NUL in the header": good(40, undefined, "a,b\0,label"),
  "NUL at the end": good(40) + "\0",
  "control characters": good(40, at(20, "\x01\x02\x03,\x7f,\x1b[31mno")),
  "right to left": good(40, (line) => line.replace("yes", "\u202e\u05d0\u05d1"), "\u05d0,\u05d1,\u05d2"),
  "emoji": good(40, (line) => line.replace("yes", "\u{1f469}\u200d\u{1f680}"), "\u{1f600},b,\u{1f3f3}\ufe0f\u200d\u{1f308}"),
  "combining marks": good(40, (line) => line.replace("yes", "e" + "\u0301".repeat(200))),
  "zero-width and no-break blanks": good(40, (line) => line.replace(",", ",\u00a0\u200b")),
};

const values = {
  "1e999": good(40, at(20, "1e999,2,no")),
  "-1e999 everywhere": good(40, (line) => line.replace(/^\d+/, "-1e999")),
  "nan and inf": good(40, (line, i) => line.replace(/^\d+/, ["nan", "inf", "-inf", "Infinity", "1"][i % 5])),
  "hexadecimal": good(40, (line, i) => line.replace(/^\d+/, `0x${i.toString(16)}`)),
  "denormals": good(40, (line, i) => line.replace(/^\d+/, `${i}e-44`)),
  "near the largest float": good(40, (line, i) => line.replace(/^\d+/, `3.40282${i}e38`)),
  "numbers of 10,000 digits": good(40, (line, i) => line.replace(/^\d+/, `${"1234567890".repeat(1000)}.${i}`)),
  "exponents of 10,000 digits": good(40, (line, i) => line.replace(/^\d+/, `${i}e${"9".repeat(10000)}`)),
  "decimal commas": good(40, (line) => line.replace(".", ",").replace(/,(?=\w+$)/, ";").replace(",", ";"), "a;b;label"),
  "thousands separators": good(40, (line) => line.replace(/^\d+/, '"1,234,567.8"')),
  "currency and percent": good(40, (line, i) => line.replace(/^\d+/, i % 2 ? "$5.00" : "12 %")),
  "leading zeros": good(40, (line, i) => line.replace(/^\d+/, `00${i}`)),
  "dates of every kind": good(40, (line, i) => line.replace(/^\d+/, ["2024-01-31", "31/01/2024", "1/31/24", "2024-02-30", "31. Jan", "0000-00-00"][i % 6])),
  "missing of every kind": good(40, (line, i) => line.replace(/^\d+/, ["", "NA", "N/A", "null", "NaN", "?", "-", ".", "None", "#N/A"][i % 10])),
  "a column of nothing": good(40, (line) => line.replace(/^\d+/, "")),
  "all missing": text("a,b,y", ...rows(40, () => ",,")),
  "target missing in all but one": text("a,b,y", ...rows(40, (i) => `${i},${i},${i === 5 ? 1 : ""}`)),
  "target missing in half": text("a,b,y", ...rows(40, (i) => `${(i * 7) % 11},${i % 3},${i % 2 ? i % 4 : ""}`)),
  "target constant": text("a,b,y", ...rows(40, (i) => `${i},${i},7`)),
  "target all distinct texts": text("a,b,y", ...rows(40, (i) => `${i},${i},t${i}`)),
  "target of one row each and one of many": text("a,y", ...rows(40, (i) => `${i},${i < 35 ? "many" : `one${i}`}`)),
  "all columns constant": text("a,b,y", ...rows(40, () => "1,2,3")),
  "the target as a feature too": text("a,y,y", ...rows(40, (i) => `${i},${i % 2},${i % 2}`)),
  "true and false": text("a,y", ...rows(40, (i) => `${i % 5},${["TRUE", "false", "True", "FALSE"][i % 4]}`)),
  "formulas": good(40, (line) => line.replace(/^\d+/, "=cmd|'/c calc'!A1")),
  "JSON in fields": good(40, (line) => line.replace(/^\d+/, '"{""a"":[1,2,{""b"":null}]}"')),
  "text that turns up at the end": text("a,b,y", ...rows(3000, (i) => `${i === 2999 ? "x" : i % 9},${i % 4},${(i >> 3) % 2}`)),
  "numbers that grow into floats late": text("a,b,y", ...rows(3000, (i) => `${i === 2999 ? 1e30 : i % 9},${i % 4},${(i >> 3) % 2}`)),
  "integers beyond 2^53": good(40, (line, i) => line.replace(/^\d+/, `90071992547409${i + 10}`)),
  "huge and tiny together": text("a,b,y", ...rows(40, (i) => `${i % 2 ? "1e38" : "1e-38"},${i % 3},${i % 2}`)),
};

const other_files = {
  "a PNG": join([0x89], "PNG\r\n\x1a\n", [0, 0, 0, 13], "IHDR", Buffer.alloc(4000, 0xa7)),
  "a ZIP": join("PK\x03\x04", Buffer.alloc(26), "xl/workbook.xml", Buffer.alloc(3000, 0x99), "PK\x05\x06", Buffer.alloc(18)),
  "a PDF": join("%PDF-1.7\n%", [0xe2, 0xe3, 0xcf, 0xd3], "\n1 0 obj\n<< /Type /Catalog >>\nendobj\nstream\n", Buffer.alloc(2000, 0x8c), "\nendstream\n%%EOF\n"),
  "an ELF": join([0x7f], "ELF", [2, 1, 1], Buffer.alloc(3000)),
  "noise": Buffer.from(rows(20000, ((roll) => () => roll(256))(dice(7)))),
  "an HTML error page": text("<!DOCTYPE html>", "<html><head><title>404 Not Found</title></head>", "<body><h1>Not, Found</h1>", "<p>a, b, c</p></body></html>"),
  "JSON": JSON.stringify(rows(40, (i) => ({ a: i, b: [i, i], c: { d: "x" } }))),
  "JSON lines": text(...rows(40, (i) => JSON.stringify({ a: i, b: "x" }))),
  "XML": text('<?xml version="1.0"?>', "<rows>", ...rows(40, (i) => `<row a="${i}" b="x"/>`), "</rows>"),
  "a Markdown table": text("| a | b | label |", "|---|---|---|", ...rows(40, (i) => `| ${i} | ${i % 3} | ${i % 2} |`)),
  "ARFF": text("@relation x", "@attribute a numeric", "@attribute y {0,1}", "@data", ...rows(40, (i) => `${i},${i % 2}`)),
  "libsvm": text(...rows(40, (i) => `${i % 2} 1:${i} 3:${i % 7}`)),
  "a log": text(...rows(40, (i) => `2024-01-01T00:00:${String(i).padStart(2, "0")}Z [info] request ${i} took ${i * 3} ms`)),
  "an e-mail": text("From: a@b.example", "Subject: data, as promised", "", "Dear all,", "see below.", "", ...rows(10, (i) => `${i},x`)),
  "SQL": text("INSERT INTO t (a, b) VALUES", ...rows(40, (i) => `  (${i}, 'x;y'),`)),
  "a gzip of a good table": gzipSync(good(40)),
  "a gzip cut short": gzipSync(good(400)).subarray(0, 60),
  "a gzip with noise behind": join(gzipSync(good(40)), Buffer.alloc(100, 0x55)),
  "a gzip of a gzip": gzipSync(gzipSync(good(40))),
  "a gzip that unpacks to 300 MB": gzipSync(Buffer.alloc(300 << 20, "1,2\n"), { level: 9 }),
  "a zstd header and nothing": Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff]),
};

/** Made when asked for: each takes many megabytes, and some take the daemon many seconds. */
const large = {
  "a field of 100 MB": () => join("a,b,y\n1,2,0\n1,", Buffer.alloc(100 << 20, "x"), ",1\n"),
  "a quoted field of 100 MB": () => join('a,b,y\n1,2,0\n1,"', Buffer.alloc(100 << 20, `${"x".repeat(98)},\n`), '",1\n'),
  "a quoted field of 35 million lines": () => join('a,b,y\n1,2,0\n1,"', Buffer.alloc(100 << 20, "x,\n"), '",1\n'),
  "a line of 100 MB without an end": () => Buffer.alloc(100 << 20, "1,"),
  "a million columns and a row": () => text(rows(1e6, (i) => `c${i}`).join(), rows(1e6, (i) => i % 10).join()),
  "a million columns, two rows": () => text(rows(1e6, (i) => i % 7).join(), rows(1e6, (i) => i % 5).join(), rows(1e6, (i) => i % 3).join()),
  "a million and one columns": () => "1,".repeat(1e6) + "1\n",
  "a million columns and a separator": () => ",".repeat(1e6) + "\n",
  "a million equal names": () => text(Array(1e6).fill("a").join(), Array(1e6).fill(1).join()),
  "a million different texts": () => text("id,y", rows(1e6, (i) => `user-${i},${i % 2}`)),
  "a million different targets": () => text("a,y", rows(1e6, (i) => `${i % 9},user-${i}`)),
  "a million rows of one digit": () => "1\n".repeat(1e6),
  "a million quotes": () => text("a,y", ...rows(1000, (i) => `"${'""'.repeat(500)}",${i % 2}`)),
  "a million opened quotes": () => text("a,y", rows(500000, () => '"a""b,1')),
  "10,000 columns of texts": () => text(rows(10000, (i) => `c${i}`).join(), ...rows(30, (r) => rows(10000, (i) => `t${(i * r) % 7}`).join())),
};

const small = { ...empty, ...quotes, ...shapes, ...line_ends, ...codings, ...values, ...other_files };

/** A good table with bytes changed, cut out, doubled and put in by chance, the same each time. */
function mutant(seed) {
  const roll = dice(seed);
  const bits = [",", ";", "\t", '"', '""', "\n", "\r", "\r\n", "\0", "\ufeff", "'", "\\", "#", " ", "-", ".", "e9", "NA", "\u00e9", "1e999", ",,"];
  let bytes = Buffer.from(good(20 + roll(30)));
  for (let i = 0; i < 1 + roll(12); i++) {
    const from = roll(bytes.length), to = from + roll(30);
    const middle = [Buffer.from(bits[roll(bits.length)]), Buffer.from([roll(256)]), Buffer.alloc(0), join(bytes.subarray(from, to), bytes.subarray(from, to))][roll(4)];
    bytes = join(bytes.subarray(0, from), middle, bytes.subarray(roll(2) ? from : to));
  }
  return bytes;
}

/** [name, bytes] of every small file. */
export const brokenFiles = (n_mutants) => [
  ...Object.entries(small).map(([name, bytes]) => [name, Buffer.from(bytes)]),
  ...rows(n_mutants, (i) => [`mutant ${i}`, mutant(i + 1)]),
];
const quick = ["a field of 100 MB", "a quoted field of 100 MB", "a line of 100 MB without an end", "a million and one columns", "a million quotes"];

/** [name, function that makes the bytes]: `all`, or those that are over soon. */
export const brokenLargeFiles = (all) =>
  Object.entries(large).filter(([name]) => all || quick.includes(name)).map(([name, make]) => [name, () => Buffer.from(make())]);
