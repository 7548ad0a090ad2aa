import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { minutes, RequestError, slugid } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import { exchanges } from './events.ts';
import { mailsMax } from './lifecycle.ts';
import { type TestNotify, testNotify } from './testing.ts';

// Nothing is sent in this file, so no server has to listen at these.
const settings = {
  email: { smtpUrl: 'smtp://localhost', from: 'yard@example.com' },
  matrix: { url: 'http://localhost', accessToken: 'matrix' },
  slack: { url: 'http://localhost', accessToken: 'slack' },
};

let t: TestNotify;
before(async () => {
  t = await testNotify(settings);
});
after(() => t.close());

const anAddress = () => `${slugid().toLowerCase()}@example.com`;
const aMail = (more: object = {}) => ({ address: anAddress(), subject: 'Hello', content: 'World', ...more });
const post = (path: string, body: object, scopes?: string[]) =>
  t.ask('POST', path, { body, ...(scopes ? { scopes } : {}) });
const waiting = async (address: string): Promise<number> => {
  const [row] = await t.db<{ count: number }>`
    select count(*)::int as count from outgoing_notifications where address = ${address}`;
  return row?.count ?? 0;
};

describe('a call that notifies', () => {
  it('takes a mail over once: the same again within ten minutes is answered by 204', async () => {
    const mail = aMail({ link: { text: 'Look', href: 'https://example.com' }, replyTo: 'me@example.com' });
    const first = await post('email', mail);
    assert.deepEqual([first.status, first.body], [200, {}]);
    assert.equal((await post('email', mail)).status, 204);
    assert.equal(await waiting(mail.address), 1);
    assert.equal((await post('email', { ...mail, content: 'Other' })).status, 200);
    t.clock.advance(minutes(10));
    assert.equal((await post('email', mail)).status, 200);
    assert.equal(await waiting(mail.address), 3);
  });

  it('publishes a message on pulse once, under the key that was asked for', async () => {
    const body = { routingKey: `a.${slugid()}`, message: { hello: ['world'] } };
    assert.equal((await post('pulse', body)).status, 200);
    assert.equal((await post('pulse', body)).status, 204);
    const messages = (await t.published()).filter(({ routes }) => routes[0] === body.routingKey);
    assert.equal(messages.length, 1);
    const [message] = messages;
    assert.equal(message?.routingKey, `primary.${body.routingKey}`);
    assert.deepEqual(message.body, { version: 1, message: body.message });
    assert.deepEqual(mistakesIn(exchanges[0]?.schema as (typeof exchanges)[0]['schema'], message.body), []);
  });

  it('refuses a routing key that no broker takes', async () => {
    const answer = await post('pulse', { routingKey: 'ü'.repeat(124), message: {} });
    assert.deepEqual([answer.status, answer.code], [400, 'InputError']);
    assert.equal((await post('pulse', { routingKey: 'x'.repeat(247), message: {} })).status, 200);
  });

  it('takes messages to rooms and channels over', async () => {
    const [roomId, channelId] = [`!${slugid()}:example.org`, slugid()];
    assert.equal((await post('matrix', { roomId, body: 'Hello' })).status, 200);
    assert.equal((await post('matrix', { roomId, body: 'Hello' })).status, 204);
    assert.equal((await post('slack', { channelId, text: 'Hello', blocks: [{}] })).status, 200);
    assert.equal((await post('slack', { channelId, text: 'Hello', blocks: [{}] })).status, 204);
    assert.deepEqual([await waiting(roomId), await waiting(channelId)], [1, 1]);
  });

  it('wants the scope of its address', async () => {
    const mail = aMail();
    const pulse = { routingKey: 'a.key', message: {} };
    const matrix = { roomId: '!room:example.org', body: 'Hi' };
    const slack = { channelId: 'C1', text: 'Hi' };
    const calls = [
      ['email', mail, `notify:email:${mail.address}`],
      ['pulse', pulse, 'notify:pulse:a.key'],
      ['matrix', matrix, 'notify:matrix-room:!room:example.org'],
      ['slack', slack, 'notify:slack-channel:C1'],
    ] as const;
    for (const [path, body, scope] of calls) {
      assert.equal((await post(path, body, ['notify:other:*'])).code, 'InsufficientScopes');
      assert.equal((await post(path, body, [scope])).status, 200);
    }
  });

  it('names the field that is wrong', async () => {
    const wrong = [
      { address: 'nobody' },
      { address: 'a@example.com, b@example.com' },
      { subject: '' },
      { subject: 'x'.repeat(256) },
      { content: 'x'.repeat(102_401) },
      { template: 'fancy' },
      { replyTo: 'me' },
      { link: { text: 'x'.repeat(41), href: 'https://example.com' } },
      { more: 1 },
    ];
    for (const fields of wrong) {
      const { code, message } = await post('email', aMail(fields));
      assert.equal(code, 'InputValidationError', JSON.stringify(fields).slice(0, 80));
      assert.ok(message.includes(Object.keys(fields)[0] as string), message);
    }
  });

  it('is answered by 204 when its address got 50 mails in ten minutes, whoever sent them', async () => {
    const address = anAddress();
    const another = t.another();
    const mails = Array.from({ length: mailsMax }, (_, i) => aMail({ address, subject: `Mail ${i}` }));
    const send = (i: number) => [t.notify, another][i % 2]?.requestEmail(mails[i] as (typeof mails)[0]);
    for (let i = 0; i < mailsMax; i++) assert.deepEqual(await send(i), {});
    assert.equal((await post('email', aMail({ address }))).status, 204);
    assert.equal(t.count('email', 'limited'), 1);
    assert.equal((await post('email', aMail())).status, 200);
    t.clock.advance(minutes(10));
    assert.equal((await post('email', aMail({ address }))).status, 200);
  });

  it('has one effect when many make it at once', async () => {
    const others = [t.notify, t.another(), t.another(), t.another()];
    for (let round = 0; round < 10; round++) {
      const mail = aMail();
      const answers = await Promise.all(others.map((notify) => notify.requestEmail(mail)));
      assert.equal(answers.filter((answer) => answer !== undefined).length, 1);
      assert.equal(await waiting(mail.address), 1);
    }
  });
});

describe('the denylist', () => {
  const entry = (notificationType = 'email', notificationAddress = anAddress()) => ({
    notificationType,
    notificationAddress,
  });
  const remove = (body: object) => t.ask('DELETE', 'denylist/delete', { body });
  const list = async (limit: number) => {
    const pages: unknown[][] = [];
    let token = '';
    do {
      const more = token ? `&continuationToken=${token}` : '';
      const { status, body } = await t.ask('GET', `denylist/list?limit=${limit}${more}`);
      assert.equal(status, 200);
      pages.push(body.addresses as unknown[]);
      token = (body.continuationToken as string) ?? '';
    } while (token);
    return pages;
  };

  it('holds an address once, until it is taken off; both may be repeated', async () => {
    const one = entry();
    for (let i = 0; i < 2; i++) assert.equal((await post('denylist/add', one)).status, 200);
    const of = (pages: unknown[][]) =>
      pages.flat().filter((each) => (each as typeof one).notificationAddress === one.notificationAddress);
    assert.deepEqual(of(await list(1000)), [one]);
    for (let i = 0; i < 2; i++) assert.equal((await remove(one)).status, 200);
    assert.deepEqual(of(await list(1000)), []);
  });

  it('is listed in pages', async () => {
    const added = [entry(), entry('pulse'), entry('matrix-room'), entry('slack-channel'), entry()];
    for (const one of added) await post('denylist/add', one);
    const pages = await list(2);
    assert.deepEqual(
      pages.map((page) => page.length),
      [2, 2, 1],
    );
    assert.deepEqual(new Set(pages.flat().map((each) => JSON.stringify(each))).size, 5);
    for (const one of added) await remove(one);
    for (const token of ['%21%21', 'garbled'])
      assert.equal((await t.ask('GET', `denylist/list?continuationToken=${token}`)).code, 'InputError');
  });

  it('refuses calls to its addresses, of their type only, and without counting them', async () => {
    const key = slugid();
    await post('denylist/add', entry('pulse', key));
    const refused = await post('pulse', { routingKey: key, message: {} });
    assert.deepEqual([refused.status, refused.code], [400, 'DenylistedAddress']);
    assert.equal((await post('slack', { channelId: key, text: 'Hi' })).status, 200);
    await remove(entry('pulse', key));
    assert.equal((await post('pulse', { routingKey: key, message: {} })).status, 200);
  });

  it('wants its scope, and types that there are', async () => {
    for (const path of ['denylist/add'])
      assert.equal((await post(path, entry(), ['notify:email:*'])).code, 'InsufficientScopes');
    const asked = { body: entry(), scopes: ['notify:email:*'] };
    assert.equal((await t.ask('DELETE', 'denylist/delete', asked)).code, 'InsufficientScopes');
    assert.equal(
      (await t.ask('GET', 'denylist/list', { scopes: ['notify:email:*'] })).code,
      'InsufficientScopes',
    );
    assert.equal((await post('denylist/add', entry('irc'))).code, 'InputValidationError');
  });
});

describe('a mail of another domain', () => {
  it('goes with its transaction, or not at all', async () => {
    const [kept, undone] = [aMail(), aMail()];
    await t.db.transaction((tx) => t.notify.email(tx, [kept, kept]));
    await assert.rejects(
      t.db.transaction(async (tx) => {
        await t.notify.email(tx, [undone]);
        throw new RequestError('InputError', 'Something else went wrong.');
      }),
    );
    assert.deepEqual([await waiting(kept.address), await waiting(undone.address)], [1, 0]);
  });

  it('to a denied address is left out, and one that is too long is cut', async () => {
    const [denied, long] = [aMail(), aMail({ subject: 'x'.repeat(300) })];
    await post('denylist/add', { notificationType: 'email', notificationAddress: denied.address });
    await t.db.transaction((tx) => t.notify.email(tx, [denied, long]));
    assert.deepEqual([await waiting(denied.address), await waiting(long.address)], [0, 1]);
    const [row] = await t.db<{ message: string }>`
      select message from outgoing_notifications where address = ${long.address}`;
    assert.equal((JSON.parse(row?.message ?? '{}') as typeof long).subject.length, 255);
  });
});

it('what was accepted long ago is forgotten, and nothing else', async () => {
  const mail = aMail();
  await post('email', mail);
  t.clock.advance(minutes(9));
  while ((await t.step('forget-recent-notifications')) > 0);
  assert.equal((await post('email', mail)).status, 204);
  t.clock.advance(minutes(1));
  while ((await t.step('forget-recent-notifications')) > 0);
  const rows = await t.db`select digest from recent_notifications`;
  assert.deepEqual(rows, []);
});

it('a way out that is not configured says what to configure; other domains pass over it', async () => {
  const bare = await testNotify();
  try {
    const calls = [
      ['email', aMail(), /SMTP_URL and EMAIL_SOURCE_ADDRESS/],
      ['matrix', { roomId: '!r:example.org', body: 'Hi' }, /MATRIX_BASE_URL and MATRIX_ACCESS_TOKEN/],
      ['slack', { channelId: 'C1', text: 'Hi' }, /SLACK_ACCESS_TOKEN/],
    ] as const;
    for (const [path, body, words] of calls) {
      const { status, code, message } = await bare.ask('POST', path, { body });
      assert.deepEqual([status, code], [404, 'ResourceNotFound']);
      assert.match(message, words);
    }
    await bare.db.transaction((tx) => bare.notify.email(tx, [aMail()]));
    assert.equal(bare.count('email', 'unconfigured'), 2);
    const pulse = { routingKey: 'always', message: {} };
    assert.equal((await bare.ask('POST', 'pulse', { body: pulse })).status, 200);
  } finally {
    await bare.close();
  }
});
