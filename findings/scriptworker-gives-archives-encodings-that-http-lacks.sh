#!/usr/bin/env bash
# scriptworker 63.6.1 (seen on Python 3.11)
#
# What Python's `mimetypes` calls the encoding of a file by its name becomes the Content-Encoding of the artifact. For `.tar.gz` and
# `.tgz` scriptworker has exceptions, since whoever downloads would unpack them. All others are left: `.json.gz` and `.svgz` arrive
# unpacked below a name that says they are not, so that `gunzip` fails and checksums differ; `.tar.xz` and `.tar.bz2` are
# sent as `xz` and `bzip2`, which HTTP does not have (RFC 9110, 8.4.1, and its registry), so that a strict client refuses them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scriptworker==63.6.1 taskcluster==113.2.0
cat >seen.py <<'PY'
from scriptworker.artifacts import _craft_artifact_put_headers, compress_artifact_if_supported

for name in ["all.tar.gz", "all.tgz", "perfherder.json.gz", "plot.svgz", "target.tar.xz", "target.tar.bz2", "all.zip"]:
    with open(name, "wb") as file:
        file.write(b"as it is")
    headers = _craft_artifact_put_headers(*compress_artifact_if_supported(name))
    print(name, {str(header): value for header, value in headers.items()}, open(name, "rb").read() == b"as it is")
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
all.tar.gz {'Content-Type': 'application/x-tar'} True
all.tgz {'Content-Type': 'application/x-tar'} True
perfherder.json.gz {'Content-Type': 'application/json', 'Content-Encoding': 'gzip'} True
plot.svgz {'Content-Type': 'image/svg+xml', 'Content-Encoding': 'gzip'} True
target.tar.xz {'Content-Type': 'application/x-tar', 'Content-Encoding': 'xz'} True
target.tar.bz2 {'Content-Type': 'application/x-tar', 'Content-Encoding': 'bzip2'} True
all.zip {'Content-Type': 'application/zip'} True
WANTED
