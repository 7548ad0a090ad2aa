#!/usr/bin/env bash
# taskcluster 113.2.0 from PyPI (seen on Python 3.11)
#
# Arguments of a method may be given by name, and are taken for those of the route only if none of them is false (`_processArgs` in
# client.py). The first run of a task has the number 0, which is false, so a call with `runId=0` fails before it is sent, as if
# nothing had been given: a program that handles a task's second run well fails with each first one. `runId="0"` is taken, and so is
# the number when it comes by position or in `params`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster==113.2.0
cat >seen.py <<'PY'
import taskcluster

queue = taskcluster.Queue({"rootUrl": "https://ci.example.com"})
TASK = "AAAAAAAAAAAAAAAAAAAAAA"


def url_of(*args, **kwargs):
    try:
        return queue.buildUrl("listArtifacts", *args, **kwargs).partition(TASK)[2]
    except taskcluster.exceptions.TaskclusterFailure as error:
        return error


print("by name, 1:", url_of(taskId=TASK, runId=1))
print("by name, 0:", url_of(taskId=TASK, runId=0))
print('by name, "0":', url_of(taskId=TASK, runId="0"))
print("by position, 0:", url_of(TASK, 0))
print("in params, 0:", url_of(params={"taskId": TASK, "runId": 0}))
PY
venv/bin/python -W ignore seen.py | tee seen
diff seen - <<'WANTED'
by name, 1: /runs/1/artifacts
by name, 0: listArtifacts takes 2 args, only 0 were given
by name, "0": /runs/0/artifacts
by position, 0: /runs/0/artifacts
in params, 0: /runs/0/artifacts
WANTED
