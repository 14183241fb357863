// All polluted files with their true tables: { kind, name, bytes, truth }. The same at each run.
import { cleanTables } from "./clean.mjs";
import { polluted } from "./dialects.mjs";
import { pollutedRows } from "./rows.mjs";
import { pollutedStructures } from "./structure.mjs";

export function allFiles() {
  const tables = cleanTables();
  return [...pollutedRows(tables), ...pollutedStructures(tables), ...polluted(tables)];
}

/** About n of them: of each kind as large a share, and at least one. */
export function sampleFiles(n) {
  const files = allFiles();
  const kinds = byKind(files);
  return [...kinds.values()].flatMap((same) => {
    const count = Math.max(1, Math.round((n * same.length) / files.length));
    return Array.from({ length: count }, (_, i) => same[Math.floor(((i + 0.5) * same.length) / count)]);
  });
}

export function byKind(files) {
  const kinds = new Map();
  for (const file of files) kinds.set(file.kind, [...(kinds.get(file.kind) ?? []), file]);
  return kinds;
}
