#!/usr/bin/env bash
# tc-admin 6.0.0 (seen on Python 3.11)
#
# The root URL may be http or https, and a name or an IPv4 address, but no port and no path: `tcadmin/util/root_url.py` asks for
# `^https?://[a-z0-9.-]+/?$`. So tc-admin cannot be pointed at a deployment on a laptop, http://localhost:8080, as the clients
# that it is built on can; nor at a name with a capital letter or an IPv6 address. TASKCLUSTER_PROXY_URL is looked at by nothing:
# in a task with the proxy, or beside any program that signs, the same deployment is configured.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tc-admin==6.0.0 taskcluster==113.2.0
cat >seen.py <<'PY'
import asyncio
import os

import click
from taskcluster import Auth
from tcadmin.appconfig import AppConfig
from tcadmin.util import root_url
from tcadmin.util.taskcluster import tcClientOptions


def root_url_for(url, variable):
    root_url._root_url = None
    for name in ("TASKCLUSTER_ROOT_URL", "TASKCLUSTER_PROXY_URL"):
        os.environ.pop(name, None)
    os.environ[variable] = url
    with AppConfig._as_current(AppConfig()):
        try:
            return asyncio.run(tcClientOptions())["rootUrl"]
        except click.UsageError as error:
            return error.message


print("the client:", Auth({"rootUrl": "http://localhost:8080"}).buildUrl("ping"))
for url in ["https://ci.example.com/", "http://localhost:8080", "https://CI.example.com"]:
    print("tc-admin:", root_url_for(url, "TASKCLUSTER_ROOT_URL"))
print("tc-admin with a proxy:", root_url_for("http://localhost:8080", "TASKCLUSTER_PROXY_URL"))
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
the client: http://localhost:8080/api/auth/v1/ping
tc-admin: https://ci.example.com
tc-admin: Given root URL http://localhost:8080 is not a valid root URL
tc-admin: Given root URL https://CI.example.com is not a valid root URL
tc-admin with a proxy: http://localhost:8080
WANTED
