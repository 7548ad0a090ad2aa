import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageWriter } from './message-writer.ts';

const written = (write: (writer: MessageWriter) => void): Buffer => {
  const writer = new MessageWriter();
  write(writer);
  return Buffer.from(writer.take());
};

describe('a message writer', () => {
  it('writes numbers in network order, negative ones as well', () => {
    for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
      assert.equal(written((writer) => writer.int64(value)).readBigInt64BE(), BigInt(value));
    const bytes = written((writer) => {
      writer.byte(255);
      writer.int16(-2);
      writer.int32(-3);
      writer.float64(0.1);
    });
    assert.equal(bytes.readUInt8(0), 255);
    assert.equal(bytes.readInt16BE(1), -2);
    assert.equal(bytes.readInt32BE(3), -3);
    assert.equal(bytes.readDoubleBE(7), 0.1);
  });

  it('measures texts in bytes, and what may count its own length', () => {
    const text = 'ä🎈';
    assert.deepEqual(
      written((writer) => writer.measuredText(text)),
      Buffer.concat([Buffer.from([0, 0, 0, 6]), Buffer.from(text)]),
    );
    const around = (options: { countsItself?: boolean }) =>
      written((writer) => writer.measured(() => writer.zeroEnded(text), options)).readInt32BE();
    assert.deepEqual([around({}), around({ countsItself: true })], [7, 11]);
  });

  it('keeps what it has written when it grows, and what was taken when it goes on', () => {
    const writer = new MessageWriter();
    const texts = Array.from({ length: 300 }, (_, i) => 'ä'.repeat(i * 7));
    writer.measured(() => {
      for (const text of texts) writer.measuredText(text);
    });
    const first = writer.take();
    writer.text('next');
    assert.equal(Buffer.from(writer.take()).toString(), 'next');
    const bytes = Buffer.from(first);
    assert.equal(bytes.readInt32BE(), bytes.length - 4);
    let at = 4;
    for (const text of texts) {
      const end = at + 4 + bytes.readInt32BE(at);
      assert.equal(bytes.toString('utf8', at + 4, end), text);
      at = end;
    }
    assert.equal(at, bytes.length);
  });

  it('forgets what it is rewound over', () => {
    const bytes = written((writer) => {
      writer.text('kept');
      const { length } = writer;
      writer.text(' and not'.repeat(10_000));
      writer.rewind(length);
      writer.text('!');
    });
    assert.equal(bytes.toString(), 'kept!');
  });
});
