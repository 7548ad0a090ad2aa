#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 with zstandard 0.25.0 (seen on Python 3.11, GNU tar 1.34)
#
# `fetch-content` turns a fetched zip into the `.tar.zst` that tasks unpack. A symbolic link of a zip keeps where it points to as its
# content, and the repacked member gets both: the header of a link, and the text behind it, with its length in the header, where
# POSIX wants zero. GNU tar skips the text. Python's own `tarfile`, which `fetch-content` uses to unpack on Windows, takes links to
# have no content: the text is no header, and the archive ends there without a word. All that follows the first link is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1 zstandard==0.25.0
cat >seen.py <<'PY'
import contextlib
import os
import stat
import subprocess
import tarfile
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import taskgraph
import zstandard

script = os.path.join(os.path.dirname(taskgraph.__file__), "run-task", "fetch-content")
loader = SourceFileLoader("fetch_content", script)
fetch_content = module_from_spec(spec_from_loader(loader.name, loader))
loader.exec_module(fetch_content)

with zipfile.ZipFile("sdk.zip", "w") as archive:
    link = zipfile.ZipInfo("current")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(link, "versions/1")
    for version in ["1", "2"]:
        archive.writestr(f"versions/{version}", version)

with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    fetch_content.repack_archive(Path("sdk.zip"), Path("sdk.tar.zst"))
with open("sdk.tar.zst", "rb") as packed, open("sdk.tar", "wb") as plain:
    zstandard.ZstdDecompressor().copy_stream(packed, plain)

print("zip:", zipfile.ZipFile("sdk.zip").namelist())
print("size of the link:", tarfile.open("sdk.tar").next().size)
print("GNU tar:", subprocess.check_output(["tar", "tf", "sdk.tar"], text=True).split())
print("tarfile:", tarfile.open("sdk.tar").getnames())
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
zip: ['current', 'versions/1', 'versions/2']
size of the link: 10
GNU tar: ['current', 'versions/1', 'versions/2']
tarfile: ['current']
WANTED
