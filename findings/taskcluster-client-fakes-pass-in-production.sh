#!/usr/bin/env bash
# taskcluster-client 87.1.3 from npm (seen on Node 20)
#
# A client made with `fake` answers out of functions instead of calling a service, for tests. Where NODE_ENV is production it is to be
# refused: `client.js` says so in a comment, and makes the error, but does not throw it. So a fake that is left in a program
# answers in production as it does in a test, and only the log lacks the requests.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund taskcluster-client@87.1.3
cat >seen.mjs <<'JS'
import taskcluster from 'taskcluster-client';

const queue = new taskcluster.Queue({
  rootUrl: 'https://ci.example.com',
  fake: { status: async (taskId) => ({ status: { taskId, state: 'completed' } }) },
});
console.log(`NODE_ENV=${process.env.NODE_ENV}:`, (await queue.status('AAAAAAAAAAAAAAAAAAAAAA')).status.state);
JS
{ NODE_ENV=test node seen.mjs && NODE_ENV=production node seen.mjs; } | tee seen
diff seen - <<'WANTED'
NODE_ENV=test: completed
NODE_ENV=production: completed
WANTED
