// A process that calls as anybody would, a request every ten milliseconds, until it is told to end; then it tells how
// long the replies took.
//   node caller.mjs '{"rootUrl": …, "credentials": …, "path": …}'
import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection, requestsTo } from '../http.mjs';

const { rootUrl, credentials, path } = JSON.parse(process.argv[2]);
const request = requestsTo(rootUrl);
const connection = openConnection(rootUrl);
const times = [];

process.once('message', () => process.send(times, () => process.exit()));
process.once('disconnect', () => process.exit());
process.send('ready');
for (;;) {
  const bytes = request('GET', path, { credentials });
  const start = performance.now();
  const { status } = await connection.exchange(bytes);
  times.push(performance.now() - start);
  if (status !== 200) throw new Error(`The caller was answered ${status}.`);
  await sleep(10);
}
