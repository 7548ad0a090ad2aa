#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 (seen on Python 3.11.7)
#
# A task with `cache` goes through the transforms `cached_tasks`, and `attributes` is optional in the schema of a task
# (`Optional[dict[str, object]] = None`). Without it they end with `KeyError: 'attributes'`, which does not name the task:
# `add_optimization` of util/cached_tasks.py writes into `taskdesc["attributes"]` without looking whether it is there, though
# it makes `routes` where they are missing. An empty `attributes: {}` is enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1
cat >seen.py <<'PY'
from types import SimpleNamespace

from taskgraph.util.cached_tasks import add_optimization

config = SimpleNamespace(
    graph_config={"trust-domain": "example", "taskgraph": {}},
    params={"level": "1", "tasks_for": "github-push", "build_date": 0},
)


def attempt(task):
    try:
        add_optimization(config, task, cache_type="words", cache_name="words", digest_data=["hello"])
        return "cached"
    except KeyError as error:
        return f"KeyError: {error}"


print(f"without attributes: {attempt({'label': 'build'})}")
print(f"with none of them: {attempt({'label': 'build', 'attributes': {}})}")
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
without attributes: KeyError: 'attributes'
with none of them: cached
WANTED
