#!/usr/bin/env bash
# taskcluster 113.2.0 from PyPI (seen on Python 3.11)
#
# An error that does not come from the service but from a proxy before it, a 413 or 429 with a page of HTML, is raised as
# TaskclusterRestFailure with no text at all: where the body is no JSON, `client.py` keeps an empty dict in its place, asks that for
# its message, and never comes to the texts that it has for such answers. What is left to see is the word None. The body is lost, the
# status is in `status_code`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster==113.2.0
cat >seen.py <<'PY'
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import taskcluster


class Proxy(BaseHTTPRequestHandler):
    def do_GET(self):
        status = int(self.path.rpartition("/")[2])
        page = b"<html>Too many requests</html>" if status != 404 else b'{"message": "no such task"}'
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Proxy)
Thread(target=server.serve_forever, daemon=True).start()
queue = taskcluster.Queue({"rootUrl": f"http://127.0.0.1:{server.server_port}", "maxRetries": 0})
for status in [404, 429, 401, 500]:
    try:
        queue.task(str(status))
    except taskcluster.exceptions.TaskclusterFailure as error:
        print(f"{status}: {type(error).__name__} {error}, {error.status_code}, {error.body}")
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
404: TaskclusterRestFailure no such task, 404, {'message': 'no such task'}
429: TaskclusterRestFailure None, 429, {}
401: TaskclusterAuthFailure None, 401, {}
500: TaskclusterRestFailure None, 500, {}
WANTED
