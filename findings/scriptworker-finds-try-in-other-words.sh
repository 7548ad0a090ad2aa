#!/usr/bin/env bash
# scriptworker 63.6.1 (seen on Python 3.11)
#
# Tasks of Mercurial's Try repository get no trusted signing. Whether a task is one of them is decided by the letters: its source or
# its repository is on Try when the first part of the path has `try` anywhere in it, not when it is that word. A project in
# `/registry` or `/country-data` is taken for Try, and its releases are refused what they may have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scriptworker==63.6.1 taskcluster==113.2.0
cat >seen.py <<'PY'
from scriptworker.task import is_try

for path in ["try", "registry", "country-data/file", "mozilla-central"]:
    task = {"schedulerId": "app-level-3", "payload": {}, "metadata": {"source": f"https://hg.example.com/{path}"}}
    print(f"{path}: {is_try(task, 'APP')}")
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
try: True
registry: True
country-data/file: True
mozilla-central: False
WANTED
