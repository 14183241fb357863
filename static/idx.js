// @ts-check
// MNIST's own format: pictures and their labels are two files, told apart by their first bytes.

const PICTURES = 3; // dimensions
const LABELS = 1;

/** The first bytes, unpacked where they are gzip. @param {File} file @param {number} n */
async function head(file, n) {
  const bytes = new Uint8Array(await file.slice(0, 4096).arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.subarray(0, n);
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const { value } = await reader.read().catch(() => ({ value: undefined }));
  reader.cancel().catch(() => {}); // its end is not in these bytes
  return (value ?? bytes).subarray(0, n);
}

/** How many dimensions of bytes an IDX file has; 0: it is none. @param {File} file */
async function dimensions(file) {
  const [a, b, type, n] = await head(file, 4);
  return a === 0 && b === 0 && type === 8 ? n : 0;
}

/** Pictures and labels, where that is what the two files are. @param {File[]} files @returns {Promise<{file: File, labels: File} | null>} */
export async function pairOf(files) {
  if (files.length !== 2) return null;
  const [a, b] = await Promise.all(files.map(dimensions));
  if (a === PICTURES && b === LABELS) return { file: files[0], labels: files[1] };
  if (a === LABELS && b === PICTURES) return { file: files[1], labels: files[0] };
  return null;
}
