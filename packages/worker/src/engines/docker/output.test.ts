import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { unframed } from './output.ts';

const frame = (stream: number, content: string): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(content), 4);
  return Buffer.concat([header, Buffer.from(content)]);
};

const frames = Buffer.concat([frame(1, 'out\n'), frame(2, ''), frame(2, 'err\n'), frame(1, 'x'.repeat(300))]);

test('frames are taken apart wherever the chunks are cut', async () => {
  const expected = `out\nerr\n${'x'.repeat(300)}`;
  for (const size of [1, 3, 7, 8, 9, 13, frames.length]) {
    const chunks = Array.from({ length: Math.ceil(frames.length / size) }, (_, at) =>
      frames.subarray(at * size, (at + 1) * size),
    );
    assert.equal(await text(Readable.from(chunks).pipe(unframed())), expected);
  }
});

test('what a broken stream holds of its last frame is handed on', async () => {
  assert.equal(await text(Readable.from([frames.subarray(0, 10)]).pipe(unframed())), 'ou');
});
