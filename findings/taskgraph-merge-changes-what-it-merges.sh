#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 (seen on Python 3.11)
#
# `merge` of util/templates.py says that it returns the result without modifying any arguments, and copies the first of them only.
# With three or more, a dict that the second one brings is put into the result as it is, and what the third says
# below the same key is written into it: the second argument is changed, and with it all that share it. Defaults that a
# transform merges for one task after the other so keep what earlier tasks had set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1
cat >seen.py <<'PY'
from taskgraph.util.templates import merge

of_all = {"worker": {"max-run-time": 600}}
of_linux = {"env": {"CC": "clang"}}
print("first task:", merge(of_all, of_linux, {"env": {"DEBUG": "1"}})["env"])
print("what was of all on Linux:", of_linux["env"])
print("second task:", merge(of_all, of_linux, {})["env"])
print("by two at a time:", merge(merge(of_all, {"env": {"CC": "gcc"}}), {"env": {"DEBUG": "1"}})["env"])
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
first task: {'CC': 'clang', 'DEBUG': '1'}
what was of all on Linux: {'CC': 'clang', 'DEBUG': '1'}
second task: {'CC': 'clang', 'DEBUG': '1'}
by two at a time: {'CC': 'gcc', 'DEBUG': '1'}
WANTED
