#!/usr/bin/env bash
# tc-admin 6.0.0 (seen on Python 3.11)
#
# `Resolver.expandScopes` tells, in the checks of a configuration, what the roles of a deployment give. What a role's star stands
# for goes into `<..>` by `re.sub`, as its replacement, where a backslash begins an escape. Scopes may hold one (all printable
# ASCII): `\n` becomes a line break without a word, `\g<0>` the `<..>` itself, and `\d` ends the check with an error. The service
# gives the text as it is, which the last lines show on a scope without a backslash.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tc-admin==6.0.0 taskcluster==113.2.0
cat >seen.py <<'PY'
import re

from tcadmin.util.scopes import Resolver

resolver = Resolver({"cache:*": ["purge-cache:<..>"]})
for scope in [r"assume:cache:win\new", r"assume:cache:win\g<0>", r"assume:cache:win\d", "assume:cache:win/new"]:
    try:
        given = [one for one in resolver.expandScopes([scope]) if one != scope]
    except re.error as error:
        given = error.msg
    print(scope, "gives", given)
PY
venv/bin/python seen.py | tee seen
diff seen - <<'WANTED'
assume:cache:win\new gives ['purge-cache:win\new']
assume:cache:win\g<0> gives ['purge-cache:win<..>']
assume:cache:win\d gives bad escape \d
assume:cache:win/new gives ['purge-cache:win/new']
WANTED
