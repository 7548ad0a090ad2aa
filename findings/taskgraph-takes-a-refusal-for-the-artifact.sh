#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 with taskcluster 113.2.0 from PyPI (seen on Python 3.11)
#
# `get_artifact` asks the queue where an artifact is, gets it there, and does not look at the status that comes back; only 500, 502,
# 503 and 504 are repeated, and end in an error. What a store says when it refuses (403, a signature that ran out; 404, 410) is
# returned as the artifact: of a `.json` the error's own JSON, of anything else its text. An action that reads `public/parameters.yml`
# or `public/label-to-taskid.json` then works on with the keys of an error.
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


class QueueAndStore(BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = 403, {"code": "AccessDenied", "message": "Request has expired"}
        if self.path.startswith("/api/queue/"):
            status, body = 303, {"storageType": "s3", "url": f"{root_url}/store{self.path.rpartition('/')[2]}"}
        self.send_response(status)
        if status == 303:
            self.send_header("Location", body["url"])
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), QueueAndStore)
Thread(target=server.serve_forever, daemon=True).start()
root_url = os.environ["TASKCLUSTER_ROOT_URL"] = f"http://127.0.0.1:{server.server_port}"

from taskgraph.util.taskcluster import get_artifact  # noqa: E402

TASK = "AAAAAAAAAAAAAAAAAAAAAA"
print("label-to-taskid.json:", get_artifact(TASK, "public/label-to-taskid.json"))
print("parameters.yml:", get_artifact(TASK, "public/parameters.yml"))
print("version.txt:", get_artifact(TASK, "public/version.txt").read().decode())
PY
env -u TASKCLUSTER_PROXY_URL -u TASKCLUSTER_CLIENT_ID venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
label-to-taskid.json: {'code': 'AccessDenied', 'message': 'Request has expired'}
parameters.yml: {'code': 'AccessDenied', 'message': 'Request has expired'}
version.txt: {"code": "AccessDenied", "message": "Request has expired"}
WANTED
