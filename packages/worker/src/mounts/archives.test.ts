import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { leftOutFor } from '@taskyard/patience';
import { defaultPath } from '../config.ts';
import { findProgram } from '../engines/find-program.ts';
import { type ArchiveFormat, type Compression, compressions } from '../payload/index.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { decompressFile, unpackArchive } from './archives.ts';
import { decompressed, libraries } from './decompressed.ts';
import { FrameWatch } from './zstd-frames.ts';

const by = (program: string) => (bytes: Buffer) => execFileSync(program, ['-c'], { input: bytes });
const compress = {
  br: brotliCompressSync,
  bz2: by('bzip2'),
  gz: gzipSync,
  lz4: by('lz4'),
  xz: by('xz'),
  zst: by('zstd'),
  zz: deflateSync,
} as const satisfies Record<Compression, (bytes: Buffer) => Buffer>;
const programs: Partial<Record<Compression, string>> = { bz2: 'bzip2', lz4: 'lz4', xz: 'xz', zst: 'zstd' };

const without = (program: string | undefined): string | false =>
  leftOutFor(program !== undefined && !findProgram(program, defaultPath()) && `${program} is not installed`);

/** More than one chunk of a stream, and not all the same. */
const content = Buffer.from(Array.from({ length: 60_000 }, (_, n) => `line ${n * 7919}`).join('\n'));

const quiet = { signal: new AbortController().signal, warn: (): void => undefined };

/** Into a new directory, as a worker does it. */
const unpack = async (archive: string, format: ArchiveFormat, directory: string): Promise<void> => {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  await unpackArchive(archive, { format, directory }, quiet);
};

const aTree = async (t: TestContext): Promise<string> => {
  const root = await temporaryDirectory(t);
  await mkdir(join(root, 'in/sub'), { recursive: true });
  await writeFile(join(root, 'in/sub/file'), content);
  await writeFile(join(root, 'in/program'), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('sub/file', join(root, 'in/link'));
  return root;
};

const assertUnpacked = async (out: string): Promise<void> => {
  assert.deepEqual(await readFile(join(out, 'sub/file')), content);
  assert.equal(await readlink(join(out, 'link')), 'sub/file');
  assert.equal((await stat(join(out, 'program'))).mode & 0o111, 0o111);
};

test('a tar archive is unpacked', async (t) => {
  const root = await aTree(t);
  execFileSync('tar', ['-c', '-f', join(root, 'archive'), '-C', join(root, 'in'), '.']);
  await unpack(join(root, 'archive'), 'tar', join(root, 'out'));
  await assertUnpacked(join(root, 'out'));
});

for (const compression of compressions) {
  const skip = without(programs[compression]);

  test(`a tar.${compression} archive is unpacked`, { skip }, async (t) => {
    const root = await aTree(t);
    const tar = execFileSync('tar', ['-c', '-C', join(root, 'in'), '.'], { maxBuffer: 2 ** 24 });
    await writeFile(join(root, 'archive'), compress[compression](tar));
    await unpack(join(root, 'archive'), `tar.${compression}`, join(root, 'out'));
    await assertUnpacked(join(root, 'out'));
  });

  test(`a .${compression} file is decompressed, and a broken one refused`, { skip }, async (t) => {
    const root = await temporaryDirectory(t);
    const [packed, plain] = [join(root, 'packed'), join(root, 'plain')];
    const bytes = compress[compression](content);
    await writeFile(packed, bytes);
    await decompressFile(packed, { compression, to: plain }, quiet.signal);
    assert.deepEqual(await readFile(plain), content);
    for (const broken of ['no such thing', bytes.subarray(0, bytes.length / 2)]) {
      await writeFile(packed, broken);
      await rm(plain);
      await assert.rejects(
        decompressFile(packed, { compression, to: plain }, quiet.signal),
        /could not be decompressed: ./,
      );
    }
  });
}

for (const compression of ['bz2', 'xz', 'zst'] as const) {
  test(`without its program, ${compression} is decompressed as well`, {
    skip: without(programs[compression]),
  }, async (t) => {
    const packed = join(await temporaryDirectory(t), 'packed');
    const bytes = compress[compression](content);
    await writeFile(packed, bytes);
    assert.deepEqual(await buffer(libraries[compression](packed)), content);
    for (const broken of ['no such thing', bytes.subarray(0, bytes.length / 2)]) {
      await writeFile(packed, broken);
      await assert.rejects(buffer(libraries[compression](packed)));
    }
  });
}

test('xz files with a filter or the check SHA-256 are read by the program, and refused with the reason without it', {
  skip: without('xz'),
}, async (t) => {
  const packed = join(await temporaryDirectory(t), 'packed');
  for (const options of [['--x86', '--lzma2'], ['--check=sha256']]) {
    await writeFile(packed, execFileSync('xz', ['-c', ...options], { input: content }));
    assert.deepEqual(await buffer(await decompressed(packed, 'xz')), content);
    await assert.rejects(buffer(libraries.xz(packed)), /only the program xz reads, which this worker lacks/);
  }
});

const noZip = without('zip');

test('a zip archive is unpacked', { skip: noZip }, async (t) => {
  const root = await aTree(t);
  execFileSync('zip', ['-q', '-r', '--symlinks', join(root, 'archive.zip'), '.'], { cwd: join(root, 'in') });
  await unpack(join(root, 'archive.zip'), 'zip', join(root, 'out'));
  await assertUnpacked(join(root, 'out'));
});

test('an entry of a zip archive cannot leave the directory through a link', { skip: noZip }, async (t) => {
  const root = await temporaryDirectory(t);
  for (const name of ['link', 'tree/away']) await mkdir(join(root, name), { recursive: true });
  await symlink('../outside', join(root, 'link/away'));
  await writeFile(join(root, 'tree/away/file'), 'x');
  const archive = join(root, 'a.zip');
  execFileSync('zip', ['-q', '--symlinks', archive, 'away'], { cwd: join(root, 'link') });
  execFileSync('zip', ['-q', archive, 'away/file'], { cwd: join(root, 'tree') });
  await mkdir(join(root, 'outside'));
  await assert.rejects(unpack(archive, 'zip', join(root, 'out')), /could not be unpacked/);
  await assert.rejects(stat(join(root, 'outside/file')));
});

test('what is no archive is refused with a reason', async (t) => {
  const root = await temporaryDirectory(t);
  await writeFile(join(root, 'packed'), 'no such thing');
  for (const format of ['tar', 'tar.gz', 'tar.br', 'zip'] as const) {
    await assert.rejects(unpack(join(root, 'packed'), format, join(root, 'out')), /could not be unpacked: ./);
  }
});

test('an archive that was packed with a long window is unpacked within the bound, a longer one refused', {
  skip: without('zstd'),
}, async (t) => {
  const root = await aTree(t);
  const tar = execFileSync('tar', ['-c', '-C', join(root, 'in'), '.'], { maxBuffer: 2 ** 24 });
  const pack = async (...args: string[]): Promise<void> =>
    writeFile(
      join(root, 'archive'),
      execFileSync('zstd', ['-c', ...args], { input: tar, maxBuffer: 2 ** 24 }),
    );
  for (const window of [28, 29]) {
    await pack(`--long=${window}`);
    await unpack(join(root, 'archive'), 'tar.zst', join(root, 'out'));
    await assertUnpacked(join(root, 'out'));
  }
  await pack('--ultra', '--long=30');
  await assert.rejects(
    unpack(join(root, 'archive'), 'tar.zst', join(root, 'out')),
    /could not be unpacked: .*indow/s,
  );
});

/** A frame of Zstandard that holds nothing, and says how far it looks back: `exponent` as `zstd --long` takes it. */
const emptyFrame = (exponent: number): Buffer =>
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (exponent - 10) << 3, 1, 0, 0]);

test('without the program a frame that wants much memory is refused before it gets any, wherever it stands', async (t) => {
  const root = await temporaryDirectory(t);
  const packed = join(root, 'packed');
  const read = async (...parts: Buffer[]): Promise<Buffer> => {
    await writeFile(packed, Buffer.concat(parts));
    return buffer(libraries.zst(packed));
  };
  const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  assert.equal((await read(emptyFrame(27))).length, 0);
  const tooMuch = /takes (256|1024) MiB of memory/;
  await assert.rejects(read(emptyFrame(28)), tooMuch);
  await assert.rejects(read(emptyFrame(20), emptyFrame(30)), tooMuch);
  await assert.rejects(read(skipped, emptyFrame(20), skipped, emptyFrame(30), emptyFrame(20)), tooMuch);
  await assert.rejects(read(emptyFrame(20), emptyFrame(30).subarray(0, 6)), tooMuch);
});

test('frames are followed whatever pieces they come in', { skip: without('zstd') }, async () => {
  const pack = (content: Buffer, ...args: string[]): Buffer =>
    execFileSync('zstd', ['-c', '-q', ...args], { input: content, maxBuffer: 2 ** 24 });
  const mixed = Buffer.concat([
    Buffer.alloc(300_000),
    randomBytes(200_000),
    Buffer.from('text '.repeat(50_000)),
  ]);
  const frames = [
    pack(mixed),
    pack(mixed, '--no-check', '-19'),
    pack(Buffer.from('x')),
    pack(Buffer.alloc(0)),
  ];
  for (const size of [1, 7, 1000, 2 ** 20]) {
    const watch = new FrameWatch(2 ** 27);
    const look = (bytes: Buffer): void => {
      for (let at = 0; at < bytes.length; at += size) watch.look(bytes.subarray(at, at + size));
    };
    for (const frame of frames) look(frame);
    // Had it lost its way, it would not know this one for a frame.
    assert.throws(() => {
      look(emptyFrame(30));
      watch.end();
    }, /takes 1024 MiB of memory/);
  }
});
