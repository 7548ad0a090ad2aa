import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Chromium breaks off what it is loading (ERR_NETWORK_CHANGED) when the machine gets or loses a network, as it does all the
// time for containers of tests beside this one. It hears of that by a netlink socket, and takes the network for steady where
// it cannot have one.

const netlink = 16;
const notSupported = 97;

/** By Node's name of the processor: the kernel's name of it, and its number of the system call `socket`. */
const processors: Readonly<Record<string, readonly [architecture: number, socket: number]>> = {
  x64: [0xc000003e, 41],
  arm64: [0xc00000b7, 198],
};

const [load, jumpIfEqual, answer] = [0x20, 0x15, 0x06];
const [numberAt, architectureAt, firstArgumentAt] = [0, 4, 16];
const [refuse, allow] = [0x00050000 | notSupported, 0x7fff0000];

/** A filter of system calls, as seccomp(2) reads it, that refuses netlink sockets. */
const filterFor = ([architecture, socket]: readonly [number, number]): Buffer => {
  // The operation, by how many lines to jump if it holds and if not, and its operand.
  const lines: readonly (readonly [number, number, number, number])[] = [
    [load, 0, 0, architectureAt],
    [jumpIfEqual, 0, 5, architecture],
    [load, 0, 0, numberAt],
    [jumpIfEqual, 0, 3, socket],
    [load, 0, 0, firstArgumentAt],
    [jumpIfEqual, 0, 1, netlink],
    [answer, 0, 0, refuse],
    [answer, 0, 0, allow],
  ];
  const filter = Buffer.alloc(8 * lines.length);
  for (const [i, [operation, ifSo, ifNot, operand]] of lines.entries()) {
    filter.writeUInt16LE(operation, 8 * i);
    filter.writeUInt8(ifSo, 8 * i + 2);
    filter.writeUInt8(ifNot, 8 * i + 3);
    filter.writeUInt32LE(operand, 8 * i + 4);
  }
  return filter;
};

/** A program that is the given one without news of the machine's networks; the given one where that cannot be had. */
export const withoutNetworkNews = (program: string): string => {
  const processor = processors[process.arch];
  const found = spawnSync('bwrap', ['--dev-bind', '/', '/', 'true']);
  if (process.platform !== 'linux' || !processor || found.status !== 0) return program;
  const folder = mkdtempSync(join(tmpdir(), 'taskyard-browser-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const [filter, path] = [join(folder, 'filter'), join(folder, 'browser')];
  writeFileSync(filter, filterFor(processor));
  const words = `bwrap --dev-bind / / --die-with-parent --seccomp 9 -- "${program}" "$@"`;
  writeFileSync(path, `#!/bin/sh\nexec ${words} 9<"${filter}"\n`, { mode: 0o755 });
  return path;
};
