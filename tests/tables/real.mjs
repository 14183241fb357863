// Files in the style of real ones (real/NAME.csv), written for this test, with their true tables (real/NAME.json).
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "real");

/** As generated files are: { kind, name, bytes, truth }. */
export function realFiles() {
  return readdirSync(folder).filter((name) => name.endsWith(".csv")).sort().map((file) => {
    const name = file.slice(0, -4);
    const truth = JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8"));
    return { kind: name, name: truth.about, bytes: readFileSync(path.join(folder, file)), truth };
  });
}
