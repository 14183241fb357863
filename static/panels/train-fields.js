// @ts-check
// The settings of a run that are folded away: one table. A setting more is a row more. What is left empty is the daemon's choice, shown as hint.
import { h } from "../dom.js";
import { text } from "../text.js";

const OPTIMIZERS = ["adam", "adamw", "nadam", "sgd", "rmsprop", "adagrad"];
const LOSSES = ["categorical_crossentropy", "binary_crossentropy", "mse", "mae", "huber", "poisson"];
const SCHEDULES = ["constant", "step", "exponential", "cosine", "reduce_on_plateau", "one_cycle"];
const INITS = ["he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform", "normal", "orthogonal"];
export const ACTIVATIONS = ["relu", "gelu", "swish", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "softplus", "linear"];

/** path: where it stands in the body of POST /train. @type {{group: string, fields: {path: string, options?: string[], number?: [number, number | undefined, number | "any"], hint: string}[]}[]} */
const GROUPS = [
  {
    group: "learning",
    fields: [
      { path: "optimizer", options: OPTIMIZERS, hint: "adam" },
      { path: "learning_rate", number: [0, 1000, "any"], hint: "0.001" },
      { path: "schedule", options: SCHEDULES, hint: "constant" },
      { path: "batch_size", number: [1, 1000000, 1], hint: text.train.auto },
      { path: "loss", options: LOSSES, hint: text.train.auto },
      { path: "init", options: INITS, hint: "he_normal" },
      { path: "from", hint: text.train.none },
      { path: "members", number: [1, 16, 1], hint: text.train.auto },
    ],
  },
  {
    group: "rows",
    fields: [
      { path: "task", options: ["classification", "regression"], hint: text.train.auto },
      { path: "validation_split", number: [0, 0.999, "any"], hint: "0.1" },
      { path: "seed", number: [0, undefined, 1], hint: "1" },
      { path: "ignore", hint: text.train.none },
      { path: "class_weight", options: ["balanced"], hint: text.train.off },
      { path: "sample_weight", hint: text.train.none },
    ],
  },
  {
    group: "overfitting",
    fields: [
      { path: "early_stopping.patience", number: [1, 100000, 1], hint: text.train.off },
      { path: "weight_decay", number: [0, 1e6, "any"], hint: "0" },
      { path: "l1", number: [0, 1e6, "any"], hint: "0" },
      { path: "l2", number: [0, 1e6, "any"], hint: "0" },
      { path: "input_dropout", number: [0, 0.95, "any"], hint: "0" },
      { path: "label_smoothing", number: [0, 0.5, "any"], hint: "0" },
      { path: "max_norm", number: [0, undefined, "any"], hint: text.train.off },
      { path: "global_clipnorm", number: [0, undefined, "any"], hint: text.train.off },
      { path: "augmentation", options: ["true"], hint: text.train.off },
    ],
  },
  {
    group: "time",
    fields: [
      { path: "max_seconds", number: [1, undefined, "any"], hint: text.train.off },
      { path: "priority", number: [-10, 10, 1], hint: "0" },
      { path: "weight", number: [1, 100, 1], hint: "1" },
    ],
  },
];

/** @param {() => void} changed @returns {{element: HTMLElement, read: (settings: Record<string, any>) => void}} read: puts what is filled in into the settings */
export function mountFields(changed) {
  /** @type {{path: string, input: any}[]} */
  const inputs = [];
  /** @param {(typeof GROUPS)[0]["fields"][0]} field */
  function make({ path, options, number, hint }) {
    const label = text.train.field[path];
    const props = { "data-field": path, onchange: changed, oninput: changed };
    const limits = number ? { type: "number", min: number[0], max: number[1] ?? "", step: number[2] } : { type: "text" };
    const input = options
      ? h("select", props, new Option(hint, ""), ...options.map((o) => new Option(text.train.option[o] ?? o, o)))
      : h("input", { ...props, ...limits, placeholder: hint, autocomplete: "off" });
    inputs.push({ path, input });
    return h("label", { class: "field" }, label, input);
  }
  const groups = GROUPS.map(({ group, fields }) =>
    h("fieldset", {}, h("legend", { class: "legend" }, text.train.group[group]), h("div", { class: "fields" }, ...fields.map(make))),
  );
  const element = h("details", { class: "more" }, h("summary", {}, text.train.more), ...groups);

  /** @param {Record<string, any>} settings */
  function read(settings) {
    for (const { path, input } of inputs) {
      if (input.value === "") continue;
      const [name, part] = path.split(".");
      if (part) settings[name] = { ...settings[name], [part]: Number(input.value) };
      else if (path === "ignore") settings.ignore = input.value.split(",").map((/** @type {string} */ n) => n.trim()).filter(Boolean);
      else settings[name] = input.type === "number" ? Number(input.value) : input.value === "true" ? true : input.value;
    }
  }
  return { element, read };
}
