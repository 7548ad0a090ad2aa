#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 with taskcluster 113.2.0 from PyPI (seen on Python 3.11)
#
# `list_artifacts` of util/taskcluster.py asks the queue once and drops the `continuationToken` of the answer, as none of its
# neighbours does (groups, statuses and the index go on to the last page). A page holds 1,000 artifacts at most, and a queue may end
# it sooner, so what a task has uploaded beyond it is not there for an action or a transform.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1 taskcluster==113.2.0
cat >seen.py <<'PY'
import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

PAGES = {
    "artifacts": [{"artifacts": ["first"], "continuationToken": "on"}, {"artifacts": ["second"]}],
    "list": [
        {"tasks": [{"status": {"taskId": "first", "state": "pending"}}], "continuationToken": "on"},
        {"tasks": [{"status": {"taskId": "second", "state": "pending"}}]},
    ],
}


class Queue(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        page = PAGES[path.rpartition("/")[2]]["continuationToken=on" in query]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(page).encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Queue)
Thread(target=server.serve_forever, daemon=True).start()
os.environ["TASKCLUSTER_ROOT_URL"] = f"http://127.0.0.1:{server.server_port}"

from taskgraph.util.taskcluster import list_artifacts, list_task_group_incomplete_tasks  # noqa: E402

TASK = "AAAAAAAAAAAAAAAAAAAAAA"
print("tasks of a group:", list_task_group_incomplete_tasks(TASK))
print("artifacts of a task:", list_artifacts(TASK))
PY
env -u TASKCLUSTER_PROXY_URL -u TASKCLUSTER_CLIENT_ID venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
tasks of a group: ['first', 'second']
artifacts of a task: ['first']
WANTED
