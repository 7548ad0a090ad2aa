#!/usr/bin/env bash
# @octokit/request 10.0.16 with content-type 3.1.1 (seen with npm 11.19.1 on Node 20.20.2)
#
# The package says that Node 20 is enough, and from 10.0.15 on depends on content-type 3, which says that it needs Node 22. So a
# patch release, of all things, cannot be installed on Node 20 where npm is told to mind engines (`engine-strict=true`), and
# warns with EBADENGINE everywhere else. It runs nevertheless. 10.0.14 has content-type 2 and installs without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null

# What a release says of itself, and what it brings.
tell() {
  npm install --silent --no-audit --no-fund --save-exact "@octokit/request@$1" content-type@"$2"
  node -p '["@octokit/request", "content-type"]
    .map((name) => JSON.parse(require("fs").readFileSync(`node_modules/${name}/package.json`)))
    .map(({ name, version, engines, dependencies = {} }) =>
      `${name} ${version}: Node ${engines?.node ?? "any"}` +
      (dependencies["content-type"] ? `, content-type ${dependencies["content-type"]}` : ""))
    .join("\n")'
}
{
  tell 10.0.14 2.0.0
  tell 10.0.16 3.1.1
} | tee seen
diff seen - <<'WANTED'
@octokit/request 10.0.14: Node >= 20, content-type ^2.0.0
content-type 2.0.0: Node >=18
@octokit/request 10.0.16: Node >= 20, content-type ^3.0.0
content-type 3.1.1: Node >=22
WANTED
