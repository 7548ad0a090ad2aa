#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 (seen on Python 3.11.7)
#
# Keys below `by-…` are regular expressions for the whole of an attribute, and `keymatch` of util/attributes.py sees to that by
# appending `$`. In a key with alternatives this binds to the last of them alone: `linux|windows` also takes `linux64`, and
# `windows|linux` does not, so that the order of the alternatives decides what a task gets. Groups mend it: `(linux|windows)`.
# `run-on-git-branches` holds regular expressions as well, and `match_run_on_git_branches`, in the same file, appends nothing:
# a task for the branch `main` runs on `maintenance` too, unless one writes `main$`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1
cat >seen.py <<'PY'
from taskgraph.util.attributes import match_run_on_git_branches
from taskgraph.util.keyed_by import evaluate_keyed_by


def size_of(key, platform):
    sizes = {"by-platform": {key: "its size", "default": "the default"}}
    return evaluate_keyed_by(sizes, "size", {"platform": platform})


for key in ["linux|windows", "windows|linux", "(linux|windows)"]:
    for platform in ["linux", "linux64"]:
        print(f"by-platform {key}, {platform}: {size_of(key, platform)}")
for pattern in ["main", "main$"]:
    for branch in ["main", "maintenance"]:
        print(f"run-on-git-branches {pattern}, {branch}: {match_run_on_git_branches(branch, [pattern])}")
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
by-platform linux|windows, linux: its size
by-platform linux|windows, linux64: its size
by-platform windows|linux, linux: its size
by-platform windows|linux, linux64: the default
by-platform (linux|windows), linux: its size
by-platform (linux|windows), linux64: the default
run-on-git-branches main, main: True
run-on-git-branches main, maintenance: True
run-on-git-branches main$, main: True
run-on-git-branches main$, maintenance: False
WANTED
