// The reference in docs/api.md between its two marks, made from static/openapi.json.
// usage: node scripts/api-md.mjs [--write]      without --write: fails where docs/api.md is not what it would write (ctest openapi/docs)
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const api = JSON.parse(readFileSync(path.join(root, "static/openapi.json"), "utf8"));
const target = path.join(root, "docs/api.md");
const BEGIN = "<!-- made by scripts/api-md.mjs from static/openapi.json: begin -->";
const END = "<!-- made by scripts/api-md.mjs from static/openapi.json: end -->";
const METHODS = ["get", "post", "put", "patch", "delete"];

const resolved = (item) => (item?.$ref ? item.$ref.slice(2).split("/").reduce((at, key) => at[key], api) : item);
const refName = (ref) => ref.split("/").at(-1);
const link = (name) => `[${name}](#${name.toLowerCase()})`;
/** Text that may stand in a cell of a table. */
const cell = (text) => String(text ?? "").replaceAll("|", "\\|").replaceAll("<", "&lt;").replace(/\s+/g, " ").trim();
const code = (value) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, minItems, maxItems, pattern }) {
  const parts = [];
  if (minimum !== undefined) parts.push(`≥ ${minimum}`);
  if (exclusiveMinimum !== undefined) parts.push(`> ${exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(`≤ ${maximum}`);
  if (exclusiveMaximum !== undefined) parts.push(`< ${exclusiveMaximum}`);
  if (minLength !== undefined || maxLength !== undefined) parts.push(`${minLength ?? 0} to ${maxLength ?? "any number of"} characters`);
  if (minItems !== undefined || maxItems !== undefined) parts.push(`${minItems ?? 0} to ${maxItems ?? "any number of"} of them`);
  if (pattern !== undefined) parts.push(code(pattern));
  return parts.length ? ` (${parts.join(", ")})` : "";
}

/** A schema in a few words. */
function type(schema) {
  if (schema === undefined || schema === true) return "anything";
  if (schema.$ref) return link(refName(schema.$ref));
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(" · ");
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(type).join(" or ");
  if (schema.allOf) return schema.allOf.map(type).join(" with ");
  const types = [schema.type ?? (schema.properties ? "object" : "anything")].flat();
  return types
    .map((name) => {
      if (name === "array") return `list of ${schema.items ? type(schema.items) : "anything"}${range(schema)}`;
      if (name === "object" && schema.additionalProperties && schema.additionalProperties !== true)
        return `map to ${type(schema.additionalProperties)}`;
      return name === "null" ? "null" : `${name}${range(schema)}`;
    })
    .join(" or ");
}

/** Rows of a table of fields, those of objects within as `outer.inner`. */
function fields(schema, before = "") {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const notes = [];
    if (required.has(name)) notes.push("required");
    if (field.default !== undefined) notes.push(`default ${code(field.default)}`);
    const about = [notes.join(", "), field.description].filter(Boolean).join("; ");
    const inner = field.properties ? field : field.type === "array" && field.items?.properties ? field.items : undefined;
    return [`| \`${before}${name}\` | ${cell(type(field))} | ${cell(about)} |`, ...(inner ? fields(inner, `${before}${name}${inner === field ? "." : "[]."}`) : [])];
  });
}
const fieldTable = (schema) => {
  const rows = fields(schema);
  return rows.length ? ["", "| field | type | |", "| --- | --- | --- |", ...rows] : [];
};

function parameterTable(parameters) {
  if (!parameters.length) return [];
  const rows = parameters.map((parameter) => {
    const { name, in: where, required, schema = {}, description } = resolved(parameter);
    const notes = [where === "query" ? "" : where, required && where !== "path" ? "required" : "", schema.default === undefined ? "" : `default ${code(schema.default)}`];
    return `| \`${name}\` | ${cell(type(schema))} | ${cell([notes.filter(Boolean).join(", "), description].filter(Boolean).join("; "))} |`;
  });
  return ["", "| parameter | type | |", "| --- | --- | --- |", ...rows];
}

function bodyLines(body) {
  return Object.entries(body?.content ?? {}).flatMap(([mediaType, { schema }]) => [
    "",
    `Body \`${mediaType}\`: ${schema ? cell(type(schema)) : "bytes"}${schema?.description ? `, ${cell(schema.description)}` : ""}`,
    ...(schema ? fieldTable(schema) : []),
  ]);
}

function replyLines(responses) {
  const rows = Object.entries(responses).map(([status, response]) => {
    const { description, content = {}, headers = {} } = resolved(response);
    const bodies = Object.entries(content).map(([mediaType, { schema }]) => `\`${mediaType}\`${schema ? ` ${cell(type(schema))}` : ""}`);
    const named = Object.keys(headers).map((name) => `header \`${name}\``);
    return `| ${status === "default" ? "error" : status} | ${cell(description)} | ${[...bodies, ...named].join("; ")} |`;
  });
  return ["", "| reply | | body |", "| --- | --- | --- |", ...rows];
}

function reference() {
  const lines = ["## Routes"];
  for (const [route, item] of Object.entries(api.paths))
    for (const method of METHODS.filter((name) => item[name])) {
      const { summary, description, parameters = [], requestBody, responses } = item[method];
      lines.push("", `### ${method.toUpperCase()} ${route}`, "", `${summary}.`);
      if (description) lines.push("", cell(description));
      lines.push(...parameterTable([...(item.parameters ?? []), ...parameters]), ...bodyLines(resolved(requestBody)), ...replyLines(responses));
    }
  lines.push("", "## Types");
  for (const [name, schema] of Object.entries(api.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push("", `### ${name}`, "", [schema.description && cell(schema.description), schema.properties ? "" : cell(type(schema))].filter(Boolean).join(": ") || "An object.");
    lines.push(...fieldTable(schema));
  }
  return lines.join("\n");
}

const page = readFileSync(target, "utf8");
const begin = page.indexOf(BEGIN);
const end = page.indexOf(END);
if (begin < 0 || end < begin) throw new Error("docs/api.md has lost its marks");
const made = `${page.slice(0, begin + BEGIN.length)}\n\n${reference()}\n\n${page.slice(end)}`;
if (process.argv[2] === "--write") {
  writeFileSync(target, made);
} else if (made !== page) {
  console.error("docs/api.md is not what static/openapi.json says. This makes it so:\n  node scripts/api-md.mjs --write");
  process.exitCode = 1;
}
