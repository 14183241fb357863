// Readers to be scored: each takes a file's bytes and gives { header, rows } as read, or undefined where it did not take the file.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** All rows of a data set, page by page. */
async function allRows(daemon, name) {
  const rows = [];
  let page;
  for (let offset = 0; offset !== null; offset = page.next) {
    page = (await daemon.get(`/datasets/${name}/rows?limit=1000&offset=${offset}`)).json;
    rows.push(...page.rows);
  }
  return { header: page.columns, rows };
}

/** The daemon, by upload with its defaults. `told`: what it said of a file that it did not take. */
export async function readByDaemon(daemon, file) {
  const reply = await daemon.csv("/datasets?name=polluted&replace=true", file.bytes);
  if (reply.status >= 300) return { told: `${reply.status} ${reply.json?.detail}` };
  return { found: await allRows(daemon, "polluted") };
}

const duckdbOptions = {
  "DuckDB, auto": "",
  "DuckDB, null_padding, ignore_errors, not strict": ", null_padding=true, ignore_errors=true, strict_mode=false",
};

/** DuckDB from npm with the given options for each file; an empty object where it is not installed. */
export async function duckdbReaders() {
  let duckdb;
  try {
    duckdb = await import("@duckdb/node-api");
  } catch {
    return {};
  }
  const connection = await (await duckdb.DuckDBInstance.create(":memory:")).connect();
  const folder = mkdtempSync(path.join(tmpdir(), "mlpd-tables-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const read = (options) => async (file) => {
    const where = path.join(folder, "polluted.csv");
    writeFileSync(where, file.bytes);
    try {
      const reader = await connection.runAndReadAll(`select * from read_csv('${where}'${options})`);
      return { found: { header: reader.columnNames(), rows: reader.getRows().map((row) => row.map((cell) => (cell === null ? null : String(cell)))) } };
    } catch (error) {
      return { told: String(error.message).split("\n")[0] };
    }
  };
  return Object.fromEntries(Object.entries(duckdbOptions).map(([name, options]) => [name, read(options)]));
}

/** pandas, where a python3 has it: all files at once through a child; undefined where none has. */
export async function readByPandas(files) {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const results = await pandasRun(python, files).catch(() => undefined);
    if (results) return results;
  }
  return undefined;
}

function pandasRun(python, files) {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ["-B", path.join(here, "pandas_read.py")], { stdio: ["pipe", "pipe", "ignore"] });
    const chunks = [];
    child.on("error", reject);
    child.stdin.on("error", () => {}); // it ends early where there is no pandas
    child.stdout.on("data", (data) => chunks.push(data));
    child.on("close", (code) => {
      if (code !== 0) return reject(new Error("no pandas"));
      const lines = Buffer.concat(chunks).toString("utf8").trimEnd().split("\n");
      resolve(lines.map((line) => JSON.parse(line)));
    });
    for (const file of files) child.stdin.write(`${file.bytes.toString("base64")}\n`);
    child.stdin.end();
  });
}
