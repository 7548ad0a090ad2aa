#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 (seen on Python 3.11)
#
# A fetch may name HTTP headers, `header: value`. `fetch-content` splits each at all of its colons, not at the first, so a value with
# one of its own, a URL as in Referer or a time, ends in "too many values to unpack". That counts as a failed download, which is
# tried five times a minute and more apart: eight minutes pass until the task fails, with a text that names no header.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1
cat >seen.py <<'PY'
import contextlib
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from threading import Thread

import taskgraph

script = os.path.join(os.path.dirname(taskgraph.__file__), "run-task", "fetch-content")
loader = SourceFileLoader("fetch_content", script)
fetch_content = module_from_spec(spec_from_loader(loader.name, loader))
loader.exec_module(fetch_content)


class Store(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Accept" if "Accept" in self.headers else "Referer"].encode())

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Store)
Thread(target=server.serve_forever, daemon=True).start()
for header in ["Accept: text/plain", "Referer: https://example.com/"]:
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            url = f"http://127.0.0.1:{server.server_port}/"
            arrived = b"".join(fetch_content.stream_download(url, headers=[header])).decode()
    except ValueError as error:
        arrived = error
    print(f"{header}: {arrived}")
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
Accept: text/plain: text/plain
Referer: https://example.com/: too many values to unpack (expected 2)
WANTED
