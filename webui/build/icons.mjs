// Draws the application's icon (static/icon.svg: a dark tile with three lines) as PNG pictures for the phone's home screen, from
// nothing but arithmetic and zlib. `full` has no rounded corners and more room, for systems that cut their own shape.
import zlib from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

const TILE = [0x17, 0x33, 0x2f], LINE = [255, 255, 255];
const LINES = [[8, 11, 24], [8, 16, 19], [8, 21, 15]]; // x from, y, x to, on 32 by 32
const HALF_STROKE = 1.5, CORNER = 7;

const inTile = (x, y) => {
  const dx = Math.max(CORNER - x, x - (32 - CORNER), 0), dy = Math.max(CORNER - y, y - (32 - CORNER), 0);
  return Math.hypot(dx, dy) <= CORNER;
};
const onLine = (x, y) => LINES.some(([from, at, to]) => Math.hypot(x - Math.min(Math.max(x, from), to), y - at) <= HALF_STROKE);

function pixel(x, y, size, full) {
  let tile = 0, line = 0;
  for (let i = 0; i < 16; i += 1) { // sixteen samples smooth the edges
    const u = (x + (i % 4 + 0.5) / 4) * 32 / size, v = (y + (Math.floor(i / 4) + 0.5) / 4) * 32 / size;
    const [a, b] = full ? [(u - 16) / 0.72 + 16, (v - 16) / 0.72 + 16] : [u, v];
    if (full || inTile(u, v)) { tile += 1; if (onLine(a, b)) line += 1; }
  }
  const share = tile ? line / tile : 0;
  return [...TILE.map((c, n) => Math.round(c + (LINE[n] - c) * share)), Math.round(tile * 255 / 16)];
}

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind), data]), out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

function crc(bytes) { // zlib.crc32 is newer than the oldest node that is supported
  if (zlib.crc32) return zlib.crc32(bytes);
  let value = ~0;
  for (const byte of bytes) { value ^= byte; for (let n = 0; n < 8; n += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0); }
  return ~value >>> 0;
}

function png(size, full) {
  const head = Buffer.alloc(13), rows = [];
  head.writeUInt32BE(size, 0); head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8); // eight bits, with transparency
  for (let y = 0; y < size; y += 1) {
    rows.push(0);
    for (let x = 0; x < size; x += 1) rows.push(...pixel(x, y, size, full));
  }
  const sign = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([sign, chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(Buffer.from(rows))), chunk('IEND', Buffer.alloc(0))]);
}

export async function icons(out) {
  const wanted = [['icon-180', 180, true], ['icon-192', 192, false], ['icon-512', 512, false], ['icon-full-512', 512, true]];
  await Promise.all(wanted.map(([name, size, full]) => writeFile(path.join(out, `${name}.png`), png(size, full))));
}
