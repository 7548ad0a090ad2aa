#!/usr/bin/env bash
# xz-decompress 0.2.3 (seen on Node 20.20.2; the files are written by liblzma through Python's lzma module, 3.11)
#
# It reads xz files of one stream and of several one after the other, with CRC32, CRC64 or no check. Two kinds of
# valid xz files end with "get_next_output failed with error code 6", which says nothing about the reason (in the C code below it
# is "the options of this file are not supported"): those with the check SHA-256 (`xz --check=sha256`), and those with a filter
# before LZMA2, as `xz --x86 --lzma2` writes them for programs of x86 and distributors do for their packages. Its README names
# no limits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact xz-decompress@0.2.3
if grep -qiE 'filter|sha-?256|x86' node_modules/xz-decompress/README.md; then exit 1; fi
python3 - <<'PY'
import lzma
text = b''.join(b'%d\n' % i for i in range(100000))
lzma2 = {'id': lzma.FILTER_LZMA2, 'preset': 6}
kinds = {
    'crc32': dict(check=lzma.CHECK_CRC32),
    'crc64': dict(check=lzma.CHECK_CRC64),
    'no check': dict(check=lzma.CHECK_NONE),
    'sha256': dict(check=lzma.CHECK_SHA256),
    'x86 filter': dict(filters=[{'id': lzma.FILTER_X86}, lzma2]),
    'arm filter': dict(filters=[{'id': lzma.FILTER_ARM}, lzma2]),
    'delta filter': dict(filters=[{'id': lzma.FILTER_DELTA, 'dist': 4}, lzma2]),
}
open('text', 'wb').write(text)
for name, how in kinds.items():
    packed = lzma.compress(text, format=lzma.FORMAT_XZ, **how)
    assert lzma.decompress(packed) == text
    open(name + '.xz', 'wb').write(packed)
packed = lzma.compress(text[:300000]) + lzma.compress(text[300000:])
open('two streams.xz', 'wb').write(packed)
PY
cat >read.mjs <<'JS'
import { readFileSync } from 'node:fs';
import xz from 'xz-decompress';

const text = readFileSync('text');
for (const kind of process.argv.slice(2)) {
  const packed = new Blob([readFileSync(`${kind}.xz`)]).stream();
  const read = await new Response(new xz.XzReadableStream(packed)).arrayBuffer().catch((error) => error);
  console.log(`${kind}: ${read instanceof Error ? read.message : text.equals(Buffer.from(read)) ? 'whole' : 'not the same'}`);
}
JS
node read.mjs crc32 crc64 'no check' 'two streams' sha256 'x86 filter' 'arm filter' 'delta filter' | tee seen
diff seen - <<'WANTED'
crc32: whole
crc64: whole
no check: whole
two streams: whole
sha256: get_next_output failed with error code 6
x86 filter: get_next_output failed with error code 6
arm filter: get_next_output failed with error code 6
delta filter: get_next_output failed with error code 6
WANTED
