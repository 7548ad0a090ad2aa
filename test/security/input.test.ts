import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { slugid } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { type Answer, type Asked, aSite, type Site } from './site.ts';
import {
  aTask,
  aWorld,
  bodyFor,
  hourFromNow,
  type Method,
  methods,
  parametersOf,
  pathOf,
  valuesFor,
  type World,
} from './world.ts';

let site: Site;
let world: World;
const endings: (() => Promise<void>)[] = [];

before(async () => {
  site = await aSite({ after: (end) => endings.push(end) });
  world = await aWorld(site);
});
after(async () => {
  for (const end of endings) await end();
});

const taskPath = () => `/api/queue/v1/task/${slugid()}`;

/** Asks all of it at once, as root, and answers what was a fault of the server. */
const faultsOf = async (asked: readonly Asked[]): Promise<string[]> => {
  const answers = await Promise.all(asked.map((each) => site.ask({ as: site.root, ...each })));
  return answers.flatMap(({ status, text }, i) => {
    const { method = 'GET', path, body } = asked[i] as Asked;
    const what = `${method} ${path.slice(0, 300)} ${typeof body === 'string' ? body.slice(0, 300) : ''}`;
    return status >= 500 ? [`${status} to ${what}: ${text.slice(0, 300)}`] : [];
  });
};

/** Nothing was a fault of the server, which is alive. */
const holds = async (faults: readonly string[]): Promise<void> => {
  const faultsLogged = site
    .log()
    .split('\n')
    .filter((line) => line.includes('fault of the server'));
  assert.deepEqual(faults, [], faultsLogged.slice(-5).join('\n').slice(0, 5000));
  assert.equal((await site.ask({ path: '/api/queue/v1/ping' })).status, 200);
};

/** As they stand in a URL. */
const hostile = [
  '',
  '..',
  '%2e%2e',
  '..%2f..%2f..%2fetc%2fpasswd',
  '../../../etc/passwd',
  '%2fetc%2fpasswd',
  '..%5c..%5c',
  '%252e%252e%252f',
  '%00',
  'a%00b',
  'public%2F%00',
  '%',
  '%zz',
  '%ff%fe',
  '%ed%a0%80',
  '%c0%ae',
  'a%2Fb%2Fc',
  'a%0d%0aset-cookie:%20x',
  '__proto__',
  'constructor',
  "a'%3bdrop%20table%20tasks--",
  '%22%5c%27',
  '%F0%9F%92%A9',
  '%E2%80%AE',
  '%3Cscript%3E',
  '-1',
  '0',
  '1.5',
  '1e999',
  '99999999999',
  '99999999999999999999999',
  'NaN',
  '%20',
  '*',
  '%7B%7B%7D%7D',
  'x'.repeat(5000),
];

/** Continuation tokens that this server did not make. */
const foreignTokens = [
  '[]',
  '[null]',
  '[{}]',
  '[[]]',
  '[true]',
  '[""]',
  '["a"]',
  '["a","b","c","d"]',
  '[1]',
  '[-1]',
  '[1.5]',
  '[9e99]',
  '[1e999]',
  '["\\u0000"]',
  '["\\ud800"]',
  '["2026-13-45T00:00:00Z"]',
  '["1","2","3"]',
  '[1,2,3]',
  '["infinity","infinity","infinity"]',
  '{"a":1}',
  '"text"',
  'null',
  '1',
  'not json',
].map((text) => Buffer.from(text).toString('base64url'));

/** A request for a method, with these values in place of those that would do. */
const requestFor = (method: Method, values: Readonly<Record<string, string>>, query = ''): Asked => ({
  method: method.contract.method,
  path: `${pathOf(method, { ...valuesFor(method, world), ...values })}${query}`,
  // What waits or writes with a sound body is not what this is about.
  ...(method.contract.method === 'GET' || !method.contract.input ? {} : { body: {} }),
});

describe('the content of a URL', () => {
  it('harms nothing in any parameter of any path', async () => {
    const asked = methods.flatMap((method) =>
      parametersOf(method.contract).flatMap((name) =>
        hostile.map((value) => requestFor(method, { [name]: value })),
      ),
    );
    await holds(await faultsOf(asked));
  });

  it('harms nothing in any query', async () => {
    const asked = methods.flatMap((method) => {
      const names = [...Object.keys(method.contract.query ?? {}), 'constructor', '__proto__', 'toString'];
      return names.flatMap((name) => [
        ...[...hostile, ...(name === 'continuationToken' ? foreignTokens : [])].map((value) =>
          requestFor(method, {}, `?${name}=${value}`),
        ),
        requestFor(method, {}, `?${name}=1&${name}=2`),
        requestFor(method, {}, `?${name}[a]=1`),
      ]);
    });
    await holds(await faultsOf(asked.filter(({ method, body }) => method === 'GET' || body !== undefined)));
  });

  it('is refused by the name of the query parameter', async () => {
    for (const [query, name] of [
      ['limit=-1', 'limit'],
      ['limit=NaN', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['continuationToken=', 'continuationToken'],
      ['constructor=1', 'constructor'],
      ['other=1', 'other'],
    ] as const) {
      const { status, text } = await site.ask({ path: `/api/auth/v1/clients/?${query}`, as: site.root });
      assert.equal(status, 400, query);
      assert.match(text, new RegExp(`\\b${name}\\b`));
    }
  });

  it('reaches no file of the server', async () => {
    const names = ['../../../../etc/passwd', '..%2f..%2f..%2f..%2fetc%2fpasswd', '%2fetc%2fpasswd'];
    for (const name of names) {
      for (const path of [
        `/api/object/v1/download/${name}`,
        `/objects/${name}`,
        `/${name}`,
        `/schemas/${name}`,
      ]) {
        const { status, text } = await site.ask({ path, as: site.root });
        assert.ok(status >= 400 && status < 500, `${status} to ${path}`);
        assert.doesNotMatch(text, /root:/);
      }
    }
  });

  it('is refused in the form of all refusals where it is badly encoded', async () => {
    const { status, body } = await site.ask({ method: 'GET', path: '/api/queue/v1/task/%E0%A4%A' });
    assert.deepEqual([status, body.code], [400, 'InvalidRequestArguments']);
    assert.match(String(body.message), /percent-encoded/);
  });

  it('may be too long', async () => {
    const { status } = await site.ask({ path: `/api/auth/v1/clients/?prefix=${'x'.repeat(1_000_000)}` });
    assert.ok(status === 431 || status === 414, String(status));
  });
});

/** Every text that comes of putting one of these values in the place of one part of a body. */
const spoiltBodies = (body: unknown): string[] => {
  const texts: string[] = [];
  const visit = (value: unknown, spoil: (raw: string) => string): void => {
    for (const raw of replacements(value)) texts.push(spoil(raw));
    if (typeof value !== 'object' || value === null) return;
    const parts = Object.entries(value);
    const rest = (without: string) =>
      parts.filter(([name]) => name !== without).map(([name, part]) => [name, JSON.stringify(part)] as const);
    for (const [name, part] of parts) {
      visit(part, (raw) => {
        const all = [...rest(name), [name, raw] as const];
        return spoil(
          Array.isArray(value)
            ? `[${all.map(([, text]) => text).join(',')}]`
            : `{${all.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`,
        );
      });
    }
  };
  visit(body, (raw) => raw);
  return texts;
};

const replacements = (value: unknown): string[] => {
  const anything = ['null', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '[[]]', '""'];
  if (typeof value === 'number') return [...anything, '-1', '1.5', '1e30', '1e999', '-0', '9007199254740993'];
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) {
    const dates = [
      '2016-12-31T23:59:60Z',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '2026-02-30T00:00:00Z',
    ];
    return [...anything, ...dates.map((date) => JSON.stringify(date)), '1e30'];
  }
  if (typeof value === 'string')
    return [...anything, '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00x"', '1e30'];
  return [...anything, '{"\\u0000":1}', '{"a":"\\u0000"}', '["\\ud800"]'];
};

describe('the content of a body', () => {
  it('harms nothing in any field of any method', async () => {
    const asked = methods
      // A worker that is let in waits for work.
      .filter(({ contract }) => contract.input && !contract.waits)
      .flatMap((method) => {
        const path = pathOf(method, valuesFor(method, world));
        const texts = [true, false].flatMap((isFull) => spoiltBodies(bodyFor(method, isFull)));
        return [...new Set(texts)].map((body) => ({ method: method.contract.method, path, body }));
      });
    await holds(await faultsOf(asked));
  });

  const clientPath = '/api/auth/v1/clients/refused';
  const client = { description: '', expires: hourFromNow(1), scopes: [] };
  const refusals: readonly (readonly [string, () => Partial<Asked>, number, RegExp])[] = [
    ['is too large', () => ({ body: `{"a":"${'x'.repeat(11 * 2 ** 20)}"}` }), 413, /larger than 10 MiB/],
    ['is nested too deeply', () => ({ body: '['.repeat(100_000) + ']'.repeat(100_000) }), 400, /deep/],
    [
      'nests a payload too deeply',
      () => ({ body: `{"payload":${'{"a":'.repeat(9000)}1${'}'.repeat(9001)}` }),
      400,
      /deep/,
    ],
    ['never closes what it opens', () => ({ body: '[{"a":'.repeat(200_000) }), 400, /deep/],
    ['is no JSON', () => ({ body: '{"a":' }), 400, /parse JSON/],
    ['is text', () => ({ body: '"text"' }), 400, /object or array/],
    ['is null', () => ({ body: 'null' }), 400, /object or array/],
    ['is not UTF-8', () => ({ body: Buffer.from('{"a":"\xff\xfe"}', 'latin1') }), 400, /UTF-8/],
    ['is half a character', () => ({ body: Buffer.from('{"a":"é"}').subarray(0, 7) }), 400, /UTF-8/],
    [
      'is compressed',
      () => ({ body: gzipSync('{}'), headers: { 'content-encoding': 'gzip' } }),
      400,
      /compressed/,
    ],
    [
      'is a bomb',
      () => ({ body: gzipSync(Buffer.alloc(50 * 2 ** 20)), headers: { 'content-encoding': 'gzip' } }),
      400,
      /compressed/,
    ],
    [
      'says that it is text',
      () => ({ body: '{}', headers: { 'content-type': 'text/plain' } }),
      400,
      /application\/json/,
    ],
    [
      'says that it is a form',
      () => ({ body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      400,
      /application\/json/,
    ],
    [
      'says nothing of itself',
      () => ({ body: '{}', headers: { 'content-type': '' } }),
      400,
      /application\/json|[Mm]edia/,
    ],
    [
      'says nonsense of itself',
      () => ({ body: '{}', headers: { 'content-type': ';;;/' } }),
      400,
      /application\/json|[Mm]edia/,
    ],
    [
      'holds the character NUL',
      () => ({ path: clientPath, body: { ...client, scopes: ['a', 'x\0y'] } }),
      400,
      /body\.scopes\.1/,
    ],
    [
      'holds half a surrogate pair',
      () => ({ path: clientPath, body: { ...client, description: '\ud800' } }),
      400,
      /body\.description/,
    ],
    [
      'has a name that cannot be stored',
      () => ({ path: clientPath, body: { ...client, 'a\0': 1 } }),
      400,
      /property of body/,
    ],
    ['has a property more', () => ({ body: aTask({ other: 1 }) }), 400, /'other'/],
    ['has __proto__ as its own', () => ({ body: '{"__proto__":{"scopes":["*"]}}' }), 400, /__proto__/],
    [
      'has a leap second',
      () => ({ body: aTask({ deadline: '2030-12-31T23:59:60Z' }) }),
      400,
      /body\.deadline/,
    ],
    ['has too great a number', () => ({ body: aTask({ retries: 1e30 }) }), 400, /body\.retries/],
    ['has a text for a number', () => ({ body: aTask({ retries: '5' }) }), 400, /body\.retries/],
  ];
  for (const [name, asked, status, reason] of refusals) {
    it(`is refused, and nothing changed, where it ${name}`, async () => {
      const earlier = await site.state();
      const answer: Answer = await site.ask({ method: 'PUT', path: taskPath(), as: site.root, ...asked() });
      assert.equal(answer.status, status, answer.text.slice(0, 500));
      assert.match(String(answer.body.message ?? answer.text), reason);
      assert.deepEqual(await site.state(), earlier);
    });
  }

  it('counts the last of two properties with one name, for validation and storage', async () => {
    const clientId = `twice-${slugid()}`;
    const body = `{"description":"a","expires":"${hourFromNow(1)}","scopes":["*"],"scopes":["one"]}`;
    await site.prepare('PUT', `/api/auth/v1/clients/${clientId}`, body);
    const { body: client } = await site.ask({ path: `/api/auth/v1/clients/${clientId}`, as: site.root });
    assert.deepEqual(client.scopes, ['one']);
  });

  it('pollutes no prototype', async () => {
    const path = taskPath();
    const task = JSON.stringify(aTask()).replace('"payload":{}', '"payload":{"__proto__":{"polluted":true}}');
    assert.ok((await site.ask({ method: 'PUT', path, as: site.root, body: task })).status < 500);
    const { body } = await site.ask({ path: '/api/auth/v1/scopes/current', as: site.root });
    assert.deepEqual(Object.keys(body), ['scopes']);
    assert.doesNotMatch((await site.ask({ path: '/api/queue/v1/ping' })).text, /polluted/);
  });
});

/** Writes this to a connection of its own, and answers what came back before it closed. */
const exchange = async (text: string, more?: () => string | undefined): Promise<string> => {
  const socket = connect(site.port, '127.0.0.1');
  await once(socket, 'connect');
  let reply = '';
  socket.setEncoding('latin1').on('data', (part) => {
    reply += part;
  });
  // The server may end it while we write; what it said before counts.
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(text);
  for (let part = more?.(); part !== undefined && !socket.destroyed && reply === ''; part = more?.()) {
    if (!socket.write(part)) await Promise.race([new Promise((go) => socket.once('drain', go)), closed]);
  }
  socket.end();
  await within('the server to close the connection', closed);
  return reply;
};

describe('the bytes of a connection', () => {
  const head = (method: string, more: string) =>
    `${method} ${taskPath()} HTTP/1.1\r\nhost: 127.0.0.1:${site.port}\r\n${more}\r\n`;
  const json = 'content-type: application/json\r\n';

  it('is refused when its headers are a bomb', async () => {
    const many = Array.from({ length: 30_000 }, (_, i) => `x-${i}: ${i}\r\n`).join('');
    assert.match(await exchange(head('GET', many)), /^HTTP\/1\.1 431 .*\r\nconnection: close\r\n/s);
    const headers = { authorization: `Hawk ${'x'.repeat(100_000)}` };
    assert.equal((await site.ask({ path: taskPath(), headers })).status, 401);
  });

  it('are refused when they are not a request, and the connection ends', async () => {
    for (const text of ['hello\r\n\r\n', head('GET', 'content-length: x\r\n'), head('G\0T', '')])
      assert.match(await exchange(text), /^HTTP\/1\.1 400 .*\r\nconnection: close\r\n/s);
  });

  it('is refused when a body in chunks has no end', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    let sent = 0;
    const reply = await exchange(head('PUT', `${json}transfer-encoding: chunked\r\n`), () =>
      sent++ < 2000 ? chunk : undefined,
    );
    // A client that is still sending may find the connection closed before it has read the reply.
    assert.match(reply, /^(HTTP\/1\.1 (403|413) |$)/);
    assert.ok(sent < 1500, `${sent} chunks were taken`);
  });

  it('is refused when it says two different things of its length, or nonsense', async () => {
    for (const more of [
      'content-length: 2\r\ncontent-length: 3\r\n',
      'content-length: -1\r\n',
      'content-length: many\r\n',
      'content-length: 2\r\ntransfer-encoding: chunked\r\n',
      'transfer-encoding: chunked, identity\r\n',
    ]) {
      const reply = await exchange(`${head('PUT', `${json}connection: close\r\n${more}`)}{}`);
      assert.match(reply, /^HTTP\/1\.1 400 /, more);
    }
  });

  it('get no reply to a second request that hides in the body of the first', async () => {
    const hidden = head('GET', '').replace(/^GET \S+/, 'GET /api/queue/v1/ping');
    const first = head('PUT', `${json}connection: close\r\ncontent-length: ${hidden.length}\r\n`);
    const reply = await exchange(first + hidden);
    assert.equal(reply.match(/HTTP\/1\.1 /g)?.length, 1);
    assert.doesNotMatch(reply, /alive/);
  });

  it('cost little memory, however many arrive at once', async () => {
    const large = `{"a":"${'x'.repeat(11 * 2 ** 20)}"}`;
    const deep = '['.repeat(5 * 2 ** 20);
    const before = site.memoryMiB();
    let highest = before;
    for (let round = 0; round < 4; round++) {
      const asked = [large, deep, large, deep].map((body) => ({
        method: 'PUT',
        path: taskPath(),
        as: site.root,
        body,
      }));
      const answers = await Promise.all(asked.map(site.ask));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [413, 400, 413, 400],
      );
      highest = Math.max(highest, site.memoryMiB());
    }
    assert.ok(highest - before < 400, `${Math.round(before)} MiB grew to ${Math.round(highest)} MiB`);
    await holds([]);
  });
});
