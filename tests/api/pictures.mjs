// Pictures for tests: IDX files, PNG files, and forms with them.
import zlib from "node:zlib";

/** An IDX file of bytes. */
export function idx(dimensions, values, type = 8) {
  const head = Buffer.alloc(4 + 4 * dimensions.length);
  head[2] = type;
  head[3] = dimensions.length;
  dimensions.forEach((n, i) => head.writeUInt32BE(n, 4 + 4 * i));
  return Buffer.concat([head, Buffer.from(values)]);
}

/** A PNG file; pixels(x, y) gives one value or [grey, alpha]. */
export function png(width, height, pixels, { alpha = false } = {}) {
  const channels = alpha ? 2 : 1, rows = Buffer.alloc(height * (1 + width * channels));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows.set([pixels(x, y)].flat(), y * (1 + width * channels) + 1 + x * channels);
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), out.length - 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, alpha ? 4 : 0], 8);
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", zlib.deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
export function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

/** A form with these files. */
export const form = (parts) => {
  const body = new FormData();
  for (const [name, bytes] of Object.entries(parts)) body.append(name, new Blob([bytes]), `${name}.idx`);
  return body;
};
