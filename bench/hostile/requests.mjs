// The worst that callers can send who have no credentials, or some that may do nothing. Each entry makes requests of one
// kind, signed and written out, as they go over the wire.
import { randomBytes } from 'node:crypto';
import { requestsTo } from '../http.mjs';
import { aTask, slugid } from '../tasks.mjs';

const MiB = 2 ** 20;
const word = () => randomBytes(6).toString('base64url');
const words = (count, prefix = '') => Array.from({ length: count }, () => `${prefix}${word()}`);

const filler = 'x'.repeat(50_000);

const auth = '/api/auth/v1';
const queue = '/api/queue/v1';
const aTaskPath = () => `${queue}/task/${slugid()}`;

/** A task with this many scopes, or with this many mistakes. */
const aTaskWith = (more) => aTask('bench/hostile', more);
const manyMistakes = (count) => Object.fromEntries(words(count).map((name) => [name, name]));

/** Without credentials, or with some that are none. */
export const unsigned = (rootUrl) => {
  const request = requestsTo(rootUrl);
  const post = (path, body) => request('POST', path, { body });
  return {
    'scopes to try out, 320 KiB': () =>
      post(`${auth}/test-authenticate`, { clientScopes: words(19_500), requiredScopes: [] }),
    'scopes to try out, 16 KiB': () =>
      post(`${auth}/test-authenticate`, { clientScopes: words(1_450), requiredScopes: [] }),
    // A property is two values to the server: as many as it takes, and one text to fill the rest.
    'mistakes, 320 KiB': () =>
      post(`/api/worker-manager/v1/worker/register`, { ...manyMistakes(9_900), rest: filler }),
    'more mistakes than are read, 320 KiB': () =>
      post(`/api/worker-manager/v1/worker/register`, manyMistakes(15_000)),
    'a signature to look at, 300 KiB': () =>
      post(`${auth}/authenticate-hawk`, {
        method: 'get',
        resource: '/',
        host: 'a',
        port: 1,
        authorization: `Hawk id="x", ext="${randomBytes(230_000).toString('base64')}"`,
      }),
    'scopes to expand, 320 KiB': () => post(`${auth}/scopes/expand`, { scopes: words(17_500, 'assume:') }),
    'a task, 320 KiB': () => request('PUT', aTaskPath(), { body: aTaskWith(manyMistakes(15_000)) }),
    'a task, 14 MiB': () => request('PUT', aTaskPath(), { body: { text: 'x'.repeat(14 * MiB) } }),
    'nothing but brackets, 320 KiB': () => post(`/api/worker-manager/v1/worker/register`, nested(9_000)),
    'a forged signature with 100 KiB': () =>
      request('GET', `${queue}/task/${slugid()}/status`, {
        credentials: { clientId: word(), accessToken: 'x', certificate: forgedCertificate(100 * 1024) },
      }),
    'a forged signature of nobody': () =>
      request('PUT', aTaskPath(), {
        credentials: { clientId: word(), accessToken: 'x' },
        body: aTaskWith({ scopes: words(2000) }),
      }),
  };
};

/** So many arrays, no deeper than is taken. */
const nested = (count) => {
  const deep = () => JSON.parse('['.repeat(450) + ']'.repeat(450));
  return { rest: filler, parts: Array.from({ length: Math.floor(count / 450) }, deep) };
};

const forgedCertificate = (bytes) =>
  JSON.stringify({
    version: 1,
    scopes: words(Math.floor(bytes / 20), 'queue:'),
    start: Date.now(),
    expiry: Date.now() + 1000,
    seed: slugid() + slugid(),
    signature: 'x',
    issuer: word(),
  });

/** By a client that is known, and may do nothing. */
export const unauthorised = (rootUrl, credentials) => {
  const request = requestsTo(rootUrl);
  const put = (body) => request('PUT', aTaskPath(), { body, credentials });
  return {
    'a task with 100,000 scopes': () => put(aTaskWith({ scopes: words(100_000, 'queue:') })),
    'a task, 9 MiB of mistakes': () => put(aTaskWith(manyMistakes(400_000))),
    'a small task full of mistakes': () => put(aTaskWith(manyMistakes(2500))),
    'a graph, 30 MiB': () =>
      request('POST', `${queue}/task-group/${slugid()}/tasks`, {
        body: { tasks: [{ taskId: slugid(), task: aTaskWith({ payload: { text: 'x'.repeat(30 * MiB) } }) }] },
        credentials,
      }),
    'scopes to expand, 9 MiB': () =>
      request('POST', `${auth}/scopes/expand`, { body: { scopes: words(800_000) }, credentials }),
    'narrowed scopes, other ones each time': () =>
      request('GET', `${auth}/scopes/current`, {
        credentials,
        ext: { authorizedScopes: words(4000, 'nothing:') },
      }),
  };
};
