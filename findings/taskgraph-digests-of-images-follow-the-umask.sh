#!/usr/bin/env bash
# taskcluster-taskgraph 24.5.1 (seen on Python 3.11.7, git 2.39)
#
# What was built before is found by a digest of its sources, so that two checkouts of one commit must get the same one.
# - The digest of an image (`generate_context_hash` of util/docker.py) covers the whole mode of each file, as the umask of the one who
#   checked it out made it, though git keeps the executable bit alone: under umask 002 every image is another one than under 022,
#   and is built again. It also covers files that git does not track.
# - The digest of a task's `resources` (`hash_paths` of util/hash.py) covers names and contents only: a script that becomes
#   executable, which git does keep, leaves the digest as it was, and the task of before is used.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check taskcluster-taskgraph==24.5.1
mkdir origin
git -C origin init --quiet
mkdir -p origin/taskcluster/docker/tool
printf 'FROM scratch\nCOPY tool /tool\n' >origin/taskcluster/docker/tool/Dockerfile
echo 'echo hello' >origin/taskcluster/docker/tool/tool
commit() { git -C origin add . && git -C origin -c user.name=example -c user.email=me@example.com commit --quiet --message "$1"; }
commit 'Add a tool'
cat >digests.py <<'PY'
from taskgraph.util.docker import generate_context_hash
from taskgraph.util.hash import hash_paths

context = "taskcluster/docker/tool"
print(generate_context_hash(".", context), hash_paths(".", [f"{context}/tool"]))
PY
# Both digests of a checkout of its own, made under this umask.
digests() { (umask "$1" && git clone --quiet origin "$2" && cd "$2" && ../venv/bin/python ../digests.py); }
read -r image resources < <(digests 022 first)
read -r same _ < <(digests 022 same)
read -r other _ < <(digests 002 other)
touch same/taskcluster/docker/tool/untracked
read -r untracked _ < <(cd same && ../venv/bin/python ../digests.py)
chmod +x origin/taskcluster/docker/tool/tool
commit 'Make it executable'
read -r _ executable < <(digests 022 executable)
is() { [ "$1" = "$2" ] && echo 'the same' || echo another; }
{
  echo "image, once more: $(is "$image" "$same")"
  echo "image, under umask 002: $(is "$image" "$other")"
  echo "image, beside an untracked file: $(is "$image" "$untracked")"
  echo "resources, executable now: $(is "$resources" "$executable")"
} | tee seen
diff seen - <<'WANTED'
image, once more: the same
image, under umask 002: another
image, beside an untracked file: another
resources, executable now: the same
WANTED
