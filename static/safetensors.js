// @ts-check
// One tensor out of a safetensors file: 8 bytes with the header's length, the header as JSON, then the numbers.

/** @param {ArrayBuffer} file @param {string} name @returns {{shape: number[], values: Float32Array} | null} null: there is none of that name */
export function tensorOf(file, name) {
  const length = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
  if (header[name]?.dtype !== "F32") return null;
  const [from, to] = header[name].data_offsets;
  return { shape: header[name].shape, values: new Float32Array(file.slice(8 + length + from, 8 + length + to)) };
}
