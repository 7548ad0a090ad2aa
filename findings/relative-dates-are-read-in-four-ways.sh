#!/usr/bin/env bash
# taskcluster-client 87.1.3 and json-e 4.8.4 from npm; taskcluster 113.2.0, json-e 4.8.4 and taskcluster-taskgraph 24.5.1 from PyPI
# (seen on Node 20 and Python 3.11)
#
# Texts such as `1 day` give deadlines and expiry dates in all five. taskgraph takes the first number and the letters after it: it
# drops a minus and all that follows, and refuses weeks. The client of PyPI refuses `hr`, which the json-e beside it reads, and
# capitals are for npm alone. So a text moves from a hook's template to a taskgraph kind or into a script only in the long
# form, one unit, in small letters and without a sign.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster==113.2.0 json-e==4.8.4 taskcluster-taskgraph==24.5.1
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund taskcluster-client@87.1.3 json-e@4.8.4
cat >texts.json <<'JSON'
["1 day", "2 weeks", "-1 hour", "1 hour 5 minutes", "1 hr", "1 Day"]
JSON
cat >seen.mjs <<'JS'
import { readFileSync } from 'node:fs';
import jsone from 'json-e';
import { fromNow } from 'taskcluster-client';

const now = new Date('2026-01-01T00:00:00.000Z');
const minutes = (read) => {
  try {
    return (new Date(read()).getTime() - now.getTime()) / 60_000;
  } catch {
    return 'refused';
  }
};
for (const text of JSON.parse(readFileSync('texts.json', 'utf8'))) {
  const template = { $fromNow: text };
  const rendered = minutes(() => jsone(template, { now: now.toJSON() }));
  console.log(`${text}: ${minutes(() => fromNow(text, now))} by taskcluster-client, ${rendered} by json-e of npm`);
}
JS
cat >seen.py <<'PY'
import datetime
import json

import jsone
import taskcluster
from taskgraph.util.time import json_time_from_now

now = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def minutes(read):
    try:
        found = read()
    except Exception:
        return "refused"
    if isinstance(found, str):
        found = datetime.datetime.fromisoformat(found.replace("Z", "+00:00"))
    return f"{(found - now).total_seconds() / 60:g}"


for text in json.load(open("texts.json")):
    read = [
        ("taskcluster", minutes(lambda: taskcluster.fromNow(text, now))),
        ("json-e of PyPI", minutes(lambda: jsone.render({"$fromNow": text}, {"now": "2026-01-01T00:00:00.000Z"}))),
        ("taskgraph", minutes(lambda: json_time_from_now(text, now))),
    ]
    print(f"{text}:", ", ".join(f"{found} by {name}" for name, found in read))
PY
{ node seen.mjs && venv/bin/python seen.py; } | tee seen
diff seen - <<'WANTED'
1 day: 1440 by taskcluster-client, 1440 by json-e of npm
2 weeks: 20160 by taskcluster-client, 20160 by json-e of npm
-1 hour: -60 by taskcluster-client, -60 by json-e of npm
1 hour 5 minutes: 65 by taskcluster-client, 65 by json-e of npm
1 hr: 60 by taskcluster-client, 60 by json-e of npm
1 Day: 1440 by taskcluster-client, 1440 by json-e of npm
1 day: 1440 by taskcluster, 1440 by json-e of PyPI, 1440 by taskgraph
2 weeks: 20160 by taskcluster, 20160 by json-e of PyPI, refused by taskgraph
-1 hour: -60 by taskcluster, -60 by json-e of PyPI, 60 by taskgraph
1 hour 5 minutes: 65 by taskcluster, 65 by json-e of PyPI, 60 by taskgraph
1 hr: refused by taskcluster, 60 by json-e of PyPI, refused by taskgraph
1 Day: refused by taskcluster, refused by json-e of PyPI, refused by taskgraph
WANTED
