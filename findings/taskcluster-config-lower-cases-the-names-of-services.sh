#!/usr/bin/env bash
# taskcluster 113.2.0 from PyPI (seen on Python 3.11)
#
# `TaskclusterConfig.get_service`, the helper that finds credentials and root URL for programs in tasks, makes the name of a class
# of a service's name by `str.capitalize()`, which puts all letters but the first in lower case. So the services of two words
# cannot be had by any spelling: PurgeCache, WorkerManager and GithubEvents are asked for as Purgecache, Workermanager, …
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster==113.2.0
cat >seen.py <<'PY'
import taskcluster
from taskcluster.helper import TaskclusterConfig

config = TaskclusterConfig("https://ci.example.com")
config.auth()
print("classes:", hasattr(taskcluster, "PurgeCache"), hasattr(taskcluster, "WorkerManager"))
for name in ["queue", "purgeCache", "purge_cache", "purge-cache", "PurgeCache", "workerManager", "WorkerManager"]:
    try:
        print(f"{name}: {type(config.get_service(name)).__name__}")
    except AssertionError as error:
        print(f"{name}: {error}")
PY
env -u TASK_ID -u TASKCLUSTER_CLIENT_ID venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
classes: True True
queue: Queue
purgeCache: Invalid Taskcluster service purgeCache
purge_cache: Invalid Taskcluster service purge_cache
purge-cache: Invalid Taskcluster service purge-cache
PurgeCache: Invalid Taskcluster service PurgeCache
workerManager: Invalid Taskcluster service workerManager
WorkerManager: Invalid Taskcluster service WorkerManager
WANTED
