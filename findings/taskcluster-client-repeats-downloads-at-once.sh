#!/usr/bin/env bash
# taskcluster-client 87.1.3 from npm (seen on Node 20)
#
# `download` and `downloadArtifact` repeat what failed five times, as they say 200 ms after the first time and twice as long after each
# other one. The delay is multiplied by something random around 1, made of `randomizationFactor`, whose default is set the wrong
# way round: what is not given stays undefined, what is given becomes 0.25. The delay is then NaN, which `setTimeout`
# takes for a millisecond: all six requests come within an instant, and a store that needs a second to recover is given up.
# Give any `randomizationFactor`, and the delays are there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund taskcluster-client@87.1.3
cat >seen.mjs <<'JS'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import taskcluster from 'taskcluster-client';

// A queue that knows one artifact, and its store, which is away.
let times = [];
const server = createServer((request, response) => {
  if (request.url.startsWith('/api/')) {
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ storageType: 's3', url: `${rootUrl}/store` }));
  }
  times.push(Date.now());
  response.writeHead(503).end();
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const rootUrl = `http://127.0.0.1:${server.address().port}`;
const artifact = { taskId: 'AAAAAAAAAAAAAAAAAAAAAA', name: 'public/a', queue: new taskcluster.Queue({ rootUrl }) };

for (const options of [{}, { randomizationFactor: 0 }, { delayFactor: 10 }]) {
  times = [];
  const failure = await taskcluster.downloadArtifact({ ...artifact, ...options, streamFactory: () => new PassThrough() }).catch((e) => e);
  const lasted = times.at(-1) - times[0];
  const wait = lasted < 300 ? 'without a pause' : lasted > 3000 ? 'with pauses of seconds' : `in ${lasted} ms`;
  console.log(`${JSON.stringify(options)}: ${failure.name} after ${times.length} requests ${wait}`);
}
server.close();
JS
node seen.mjs | tee seen
diff seen - <<'WANTED'
{}: HTTPError after 6 requests without a pause
{"randomizationFactor":0}: HTTPError after 6 requests with pauses of seconds
{"delayFactor":10}: HTTPError after 6 requests without a pause
WANTED
