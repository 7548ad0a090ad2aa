import { Transform } from 'node:stream';

const headerBytes = 8;

/**
 * Parses the frames in which a daemon sends two outputs as one stream, and passes on their contents. A frame's header has
 * its output, which does not matter here, and its length. It waits for its reader, as the daemon waits for us, so a command
 * cannot print faster than the log is written.
 */
export const unframed = (): Transform => {
  let header = Buffer.alloc(0);
  let left = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = chunk;
      while (rest.length > 0) {
        if (left > 0) {
          this.push(rest.subarray(0, left));
          const taken = Math.min(left, rest.length);
          left -= taken;
          rest = rest.subarray(taken);
        } else {
          const missing = headerBytes - header.length;
          header = Buffer.concat([header, rest.subarray(0, missing)]);
          rest = rest.subarray(missing);
          if (header.length === headerBytes) {
            left = header.readUInt32BE(4);
            header = Buffer.alloc(0);
          }
        }
      }
      done();
    },
  });
};
