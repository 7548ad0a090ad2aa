#!/usr/bin/env bash
# tar-stream 3.2.2 with archives of GNU tar 1.34 (seen on Node 20.20.2)
#
# `tar --sparse` (`-S`) leaves the holes of a file out of the archive and notes where they were. tar-stream unpacks such an archive
# without an error, and what it hands out is another file each time. In the format `gnu` the entry has no type (null), and only the bytes
# between the holes: four, of a file of a mebibyte. In the format `posix` the entry is a common file by a name that nobody gave
# it (GNUSparseFile and the number of a process), and its content begins with the list of the holes; the real name and size are
# only in `header.pax`. A program that copies entries from one archive to another, as those for container images and backups do, keeps
# neither. Look for the type null and for the key GNU.sparse.major, and refuse both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
tar --version | head -n 1 | grep -q 'GNU tar'
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact tar-stream@3.2.2
truncate --size=1M disk
echo end >>disk
for format in gnu posix; do
  tar --create --sparse --format="$format" --file="$format.tar" disk
  # GNU tar itself reads both.
  tar --extract --to-stdout --file="$format.tar" | cmp - disk
done
cat >read.mjs <<'JS'
import { createReadStream } from 'node:fs';
import tar from 'tar-stream';

for (const format of ['gnu', 'posix']) {
  for await (const entry of createReadStream(`${format}.tar`).pipe(tar.extract())) {
    const chunks = [];
    for await (const chunk of entry) chunks.push(chunk);
    const { name, type, size, pax } = entry.header;
    const content = JSON.stringify(Buffer.concat(chunks).toString('latin1').replace(/\0+/, ' then '));
    console.log(`${format}: ${name.replace(/\d+/, 'N')}, type ${type}, ${size} bytes: ${content}`);
    if (!pax) continue;
    const [file, bytes, major] = ['name', 'realsize', 'major'].map((key) => pax[`GNU.sparse.${key}`]);
    console.log(`  pax: ${file}, ${bytes} bytes, GNU.sparse.major ${major}`);
  }
}
JS
node read.mjs | tee seen
diff seen - <<'WANTED'
gnu: disk, type null, 4 bytes: "end\n"
posix: ./GNUSparseFile.N/disk, type file, 516 bytes: "2\n1048576\n4\n1048580\n0\n then end\n"
  pax: disk, 1048580 bytes, GNU.sparse.major 1
WANTED
