import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { seconds, slugid } from '../base/index.ts';
import { aTask, type TestApi, type TestNotify, testApi, testNotify } from './testing.ts';

// What users of other platforms met, each under the short name by which we keep it.

/** A mail as the SMTP server got it. */
interface Delivery {
  readonly recipients: readonly string[];
  readonly head: string;
}

const testSmtp = async () => {
  const deliveries: Delivery[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const recipients = envelope.rcptTo.map(({ address }) => address);
        deliveries.push({ recipients, head: Buffer.concat(chunks).toString().split('\r\n\r\n')[0] ?? '' });
        done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `smtp://127.0.0.1:${port}`, deliveries, close };
};

let t: TestNotify;
let smtp: Awaited<ReturnType<typeof testSmtp>>;
let matrix: TestApi;
let slack: TestApi;
/** Whether the rooms are busy, by the count of calls. */
const busy = { isOn: false, matrix: 0, slack: 0 };

before(async () => {
  smtp = await testSmtp();
  matrix = await testApi(() =>
    busy.isOn && ++busy.matrix % 3 === 0
      ? [429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 2000 }]
      : [200, { event_id: '$1' }],
  );
  slack = await testApi(() =>
    busy.isOn && ++busy.slack % 3 === 0
      ? [429, { ok: false, error: 'ratelimited' }, { 'retry-after': '2' }]
      : [200, { ok: true }],
  );
  t = await testNotify({
    email: { smtpUrl: smtp.url, from: 'Taskyard <yard@example.com>' },
    matrix: { url: matrix.url, accessToken: 'm-token' },
    slack: { url: slack.url, accessToken: 's-token' },
  });
});
after(async () => {
  await t.close();
  await Promise.all([smtp.close(), matrix.close(), slack.close()]);
});

const sendAll = async () => {
  while ((await t.send()) > 0);
};

describe('duplicate-or-not', () => {
  it('all that differ are sent, and each repeat is a 204, whichever process answers', async () => {
    const [channelId, address] = [slugid(), `${slugid().toLowerCase().replaceAll('_', '-')}@example.com`];
    const mail = { address, subject: 'One subject', content: 'Text' };
    const [room, other] = [`!${slugid()}:example.org`, `!${slugid()}:example.org`];
    const asked: [path: string, body: object][] = [
      ['slack', { channelId, text: 'one' }],
      ['slack', { channelId, text: 'two' }],
      ['slack', { channelId, text: 'one', blocks: [{ type: 'divider' }] }],
      ['slack', { channelId, text: 'one', blocks: [{ type: 'header' }] }],
      ['slack', { channelId, text: 'one', attachments: [{ text: 'a' }] }],
      ['slack', { channelId, text: 'one', unfurlLinks: true }],
      ['slack', { channelId, text: 'one', unfurlMedia: true }],
      ['email', mail],
      ['email', { ...mail, replyTo: 'other@example.com' }],
      ['email', { ...mail, content: 'Other text' }],
      ['email', { ...mail, link: { text: 'Here', href: 'https://example.com/' } }],
      ['email', { ...mail, template: 'fullscreen' }],
      ['matrix', { roomId: room, body: 'text', msgtype: 'm.notice' }],
      ['matrix', { roomId: other, body: 'text', msgtype: 'm.notice' }],
      ['matrix', { roomId: room, body: 'text', msgtype: 'm.text' }],
      ['matrix', { roomId: room, body: 'text', format: 'org.matrix.custom.html', formattedBody: 'text' }],
      ['matrix', { roomId: room, body: 'text', format: 'org.matrix.custom.html', formattedBody: 'other' }],
      ['pulse', { routingKey: `key.${channelId}`, message: { a: 1, b: 2 } }],
      ['pulse', { routingKey: `key.${channelId}`, message: { a: 1, b: 3 } }],
      ['pulse', { routingKey: `other.${channelId}`, message: { a: 1, b: 2 } }],
    ];
    for (const [path, body] of asked) {
      assert.equal((await t.ask('POST', path, { body })).status, 200, JSON.stringify(body));
    }
    for (const [path, body] of asked) {
      assert.equal((await t.ask('POST', path, { body })).status, 204, JSON.stringify(body));
    }
    // The order of properties says nothing.
    const turned = { routingKey: `key.${channelId}`, message: { b: 2, a: 1 } };
    assert.equal((await t.ask('POST', 'pulse', { body: turned })).status, 204);
    // Another process, or the same one after a restart, knows only the database.
    const another = t.another();
    await another.requestSlack({ text: 'one', channelId, unfurlMedia: false, unfurlLinks: false });
    await another.requestSlack({ channelId, text: 'three' });
    await sendAll();
    assert.equal(slack.calls.filter(({ body }) => body.channel === channelId).length, 8);
  });
});

describe('who-gets-the-mail', () => {
  const more = [
    'a@example.com, victim@example.com',
    'a@example.com,victim@example.com',
    'a@example.com;victim@example.com',
    'Doe, victim@example.com <a@example.com>',
    '"Doe, Jane" <a@example.com>',
    '<a@example.com>',
    'a@example.com\nBcc: victim@example.com',
    'a@example.com\r\nvictim@example.com',
    'group:a@example.com,victim@example.com;',
    ' a@example.com',
    'a@example.com ',
  ];

  it('an address that is more than one is a 400, and so is where answers go', async () => {
    for (const address of more) {
      const scopes = [`notify:email:${address}`, 'notify:email:a@example.com'];
      const body = { address, subject: 'Hello', content: 'Text' };
      assert.equal((await t.ask('POST', 'email', { scopes, body })).status, 400, address);
      const replying = { ...body, address: 'a@example.com', replyTo: address };
      assert.equal((await t.ask('POST', 'email', { scopes, body: replying })).status, 400, address);
    }
    await sendAll();
    assert.ok(smtp.deliveries.every(({ recipients }) => !recipients.includes('a@example.com')));
  });

  it('a route of a task reaches no one else', async () => {
    for (const address of more) {
      const request = aTask(t.clock.now(), { routes: [`notify.email.${address}.on-defined`] });
      const authorize = () => {};
      await t.queue.createTasks.one({ taskId: slugid(), request, authorize });
    }
    const request = aTask(t.clock.now(), { routes: ['notify.email.plain@example.com.on-defined'] });
    await t.queue.createTasks.one({ taskId: slugid(), request, authorize: () => {} });
    await t.listen();
    await sendAll();
    assert.ok(smtp.deliveries.some(({ recipients }) => recipients.includes('plain@example.com')));
    assert.ok(!smtp.deliveries.some(({ recipients }) => recipients.some((each) => /victim/.test(each))));
  });

  it('the mail has no header more, and its subject reads as written', async () => {
    const address = 'subjects@example.com';
    for (const subject of ['Hello\r\nBcc: victim@example.com', 'Grüße 漢字 — ok']) {
      const body = { address, subject, content: 'Text' };
      const { status } = await t.ask('POST', 'email', { body });
      assert.ok(status === 200 || status === 400);
    }
    await sendAll();
    const arrived = smtp.deliveries.filter(({ recipients }) => recipients.includes(address));
    assert.ok(arrived.length >= 1);
    for (const { recipients, head } of arrived) {
      assert.deepEqual(recipients, [address]);
      assert.doesNotMatch(head, /^(Bcc|Cc):/im);
      assert.equal(head.match(/^Subject:/gim)?.length, 1);
    }
    const words =
      arrived
        .at(-1)
        ?.head.replaceAll('\r\n ', '')
        .match(/^Subject: (.*)$/im)?.[1] ?? '';
    const decoded = words.replace(/=\?UTF-8\?B\?([^?]*)\?=/gi, (_, text) =>
      Buffer.from(text, 'base64').toString(),
    );
    assert.match(/\?Q\?/i.test(words) ? 'Grüße 漢字 — ok' : decoded, /Grüße 漢字 — ok/);
  });
});

describe('told-to-wait', () => {
  it('all of 40 messages arrive in order for each room, and mails are not held up', async () => {
    const [channelId, roomId] = [slugid(), `!${slugid()}:example.org`];
    const address = 'prompt@example.com';
    const names = Array.from({ length: 40 }, (_, i) => `message ${i}`);
    for (const text of names) {
      await t.notify.requestSlack({ channelId, text });
      await t.notify.requestMatrix({ roomId, body: text });
    }
    await t.notify.requestEmail({ address, subject: 'At once', content: 'Text' });
    busy.isOn = true;
    const from = { slack: slack.calls.length, matrix: matrix.calls.length };
    let rounds = 0;
    await sendAll();
    assert.ok(smtp.deliveries.some(({ recipients }) => recipients.includes(address)));
    while ((await waiting()) > 0 && rounds++ < 60) {
      t.clock.advance(seconds(2));
      await sendAll();
    }
    busy.isOn = false;
    const taken = <T>(calls: readonly T[]) => calls.filter((_, i) => (i + 1) % 3 !== 0);
    assert.deepEqual(
      taken(slack.calls.slice(from.slack)).map(({ body }) => body.text),
      names,
    );
    assert.deepEqual(
      taken(matrix.calls.slice(from.matrix)).map(({ body }) => body.body),
      names,
    );
    assert.equal(t.count('slack-channel', 'given-up') + t.count('matrix-room', 'given-up'), 0);
  });

  it('a message that another process has taken holds back those behind it', async () => {
    const channelId = slugid();
    await t.notify.requestSlack({ channelId, text: 'first' });
    await t.db`update outgoing_notifications set due_at = ${new Date(t.clock.now().getTime() + 60_000)}::timestamptz`;
    await t.notify.requestSlack({ channelId, text: 'second' });
    assert.equal(await t.send(), 0);
    t.clock.advance(seconds(61));
    await sendAll();
    const texts = slack.calls.filter(({ body }) => body.channel === channelId).map(({ body }) => body.text);
    assert.deepEqual(texts, ['first', 'second']);
  });

  const waiting = async (): Promise<number> => (await t.db`select id from outgoing_notifications`).length;
});
