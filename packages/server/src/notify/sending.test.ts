import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { AddressObject } from 'mailparser';
import { days, later, minutes, seconds, slugid } from '../base/index.ts';
import { type TestSmtp, testSmtp } from './senders/testing/smtp.ts';
import { type HttpCall, type TestApi, type TestNotify, testApi, testNotify } from './testing.ts';

let t: TestNotify;
let smtp: TestSmtp;
let matrix: TestApi;
let slack: TestApi;
/** The replies of the servers; success where there is none. */
const answers = { matrix: [] as [number, object][], slack: [] as [number, object][] };

before(async () => {
  smtp = await testSmtp();
  matrix = await testApi(() => answers.matrix.shift() ?? [200, { event_id: '$1' }]);
  slack = await testApi(() => answers.slack.shift() ?? [200, { ok: true }]);
  t = await testNotify({
    email: { smtpUrl: smtp.url, from: 'Taskyard <yard@example.com>' },
    matrix: { url: `${matrix.url}/`, accessToken: 'm-token' },
    slack: { url: `${slack.url}/api`, accessToken: 's-token' },
  });
});
after(async () => {
  await t.close();
  await Promise.all([smtp.close(), matrix.close(), slack.close()]);
});
// Each test leaves nothing to send.
afterEach(async () => {
  t.clock.advance(minutes(60));
  while ((await t.send()) > 0);
  assert.deepEqual(await t.db`select id from outgoing_notifications`, []);
});

const anAddress = () => `${slugid().toLowerCase().replaceAll('_', '-')}@example.com`;
const mailsTo = (address: string) => smtp.mails.filter((mail) => (mail.to as AddressObject).text === address);

describe('a mail', () => {
  it('has a text and an HTML part, a button, and one recipient', async () => {
    const address = anAddress();
    await t.notify.requestEmail({
      address,
      subject: 'Grüße: it <failed>',
      content: '**Bold** <script>alert(1)</script>',
      link: { text: 'Show & tell', href: 'https://tasks.example.com/tasks/T?a=1&b=2' },
      replyTo: 'me@example.com',
      template: 'fullscreen',
    });
    assert.equal(await t.send(), 1);
    const [mail, more] = mailsTo(address);
    assert.ok(mail);
    assert.equal(more, undefined);
    assert.equal(mail.subject, 'Grüße: it <failed>');
    assert.equal(mail.from?.text, '"Taskyard" <yard@example.com>');
    assert.equal(mail.replyTo?.text, 'me@example.com');
    assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
    assert.match(mail.text ?? '', /\*\*Bold\*\* <script>alert\(1\)<\/script>/);
    assert.match(mail.text ?? '', /Show & tell: https:\/\/tasks.example.com\/tasks\/T\?a=1&b=2/);
    const html = mail.html || '';
    assert.match(html, /<strong>Bold<\/strong> &lt;script&gt;/);
    assert.match(
      html,
      /<a href="https:\/\/tasks.example.com\/tasks\/T\?a=1&amp;b=2"[^>]*>Show &amp; tell<\/a>/,
    );
    assert.doesNotMatch(html, /<script/);
    assert.match(html, /max-width:100%/);
    assert.equal(t.count('email', 'sent'), 1);
  });

  it('is no place to add headers or recipients', async () => {
    const address = anAddress();
    const subject = 'Hello\r\nBcc: victim@example.com';
    await t.notify.requestEmail({ address, subject, content: 'Text' });
    await t.send();
    const [mail] = mailsTo(address);
    assert.equal(mail?.bcc, undefined);
    assert.equal(mail?.headers.has('bcc'), false);
  });

  it('that the server does not take now is sent later, with the same id; and not before', async () => {
    const address = anAddress();
    await t.notify.requestEmail({ address, subject: 'Later', content: 'Text' });
    smtp.failNext('recipient', 451, 451);
    assert.equal(await t.send(), 1);
    assert.equal(await t.send(), 0);
    t.clock.advance(seconds(10));
    assert.equal(await t.send(), 1);
    t.clock.advance(seconds(10));
    assert.equal(await t.send(), 0);
    t.clock.advance(seconds(10));
    assert.equal(await t.send(), 1);
    assert.equal(mailsTo(address).length, 1);
    assert.equal(t.count('email', 'delayed'), 2);
  });

  it('that the server will not take is given up, and may be asked for again', async () => {
    const mail = { address: anAddress(), subject: 'Never', content: 'Text' };
    await t.notify.requestEmail(mail);
    smtp.failNext('recipient', 550);
    await t.send();
    assert.equal(t.count('email', 'refused'), 1);
    assert.deepEqual(await t.notify.requestEmail(mail), {});
    await t.send();
    assert.equal(mailsTo(mail.address).length, 1);
  });

  it('waits when the login is refused: that is for the operator to mend', async () => {
    const address = anAddress();
    await t.notify.requestEmail({ address, subject: 'Login', content: 'Text' });
    smtp.failNext('login', 535);
    await t.send();
    assert.equal(mailsTo(address).length, 0);
    t.clock.advance(minutes(1));
    await t.send();
    assert.equal(mailsTo(address).length, 1);
  });

  it('that a process had taken before it ended is sent by another', async () => {
    const address = anAddress();
    await t.notify.requestEmail({ address, subject: 'Taken', content: 'Text' });
    // As the step does it first of all.
    const dueAt = later(t.clock.now(), minutes(5));
    await t.db`update outgoing_notifications set attempts = 1, due_at = ${dueAt}`;
    const [other] = t.another().loops;
    assert.equal(await other?.step(20), 0);
    t.clock.advance(minutes(5));
    assert.equal(await other?.step(20), 1);
    assert.equal(mailsTo(address).length, 1);
  });

  it('is sent once when several processes send', async () => {
    const addresses = Array.from({ length: 12 }, anAddress);
    const mails = addresses.map((address) => ({ address, subject: 'Once', content: 'Text' }));
    await t.db.transaction((tx) => t.notify.email(tx, mails));
    const others = [t.another(), t.another(), t.notify];
    const steps = others.map(({ loops }) => loops[0]?.step(5));
    const counts = await Promise.all(steps);
    const taken = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    assert.equal(taken, 12);
    for (const address of addresses) assert.equal(mailsTo(address).length, 1);
  });
});

describe('a message to a Matrix room', () => {
  const callsOf = (roomId: string): HttpCall[] =>
    matrix.calls.filter(({ path }) => path.includes(encodeURIComponent(roomId)));
  const forbidden: [number, object] = [403, { errcode: 'M_FORBIDDEN' }];
  const aRoom = () => `!${slugid()}:example.org`;

  it('is put once by the token of the platform, under an id that stays', async () => {
    const roomId = aRoom();
    const message = { roomId, body: 'Hi', format: 'org.matrix.custom.html', formattedBody: '<b>Hi</b>' };
    await t.notify.requestMatrix({ ...message, msgtype: 'm.text' });
    answers.matrix.push([502, {}]);
    await t.send();
    t.clock.advance(seconds(10));
    await t.send();
    const [first, second, third] = callsOf(roomId);
    assert.equal(third, undefined);
    assert.equal(first?.method, 'PUT');
    assert.equal(first.token, 'm-token');
    assert.match(first.path, /^\/_matrix\/client\/v3\/rooms\/!.*%3Aexample.org\/send\/m.room.message\/.+/);
    assert.equal(second?.path, first.path);
    assert.deepEqual(second.body, {
      msgtype: 'm.text',
      body: 'Hi',
      format: 'org.matrix.custom.html',
      formatted_body: '<b>Hi</b>',
    });
  });

  it('makes the platform join when it was invited', async () => {
    const roomId = aRoom();
    await t.notify.requestMatrix({ roomId, body: 'Hi' });
    answers.matrix.push(forbidden, [200, { room_id: roomId }]);
    await t.send();
    assert.deepEqual(
      callsOf(roomId).map(({ method, path }) => [method, path.split('/')[6]]),
      [
        ['PUT', 'send'],
        ['POST', 'join'],
        ['PUT', 'send'],
      ],
    );
    assert.equal(t.count('matrix-room', 'sent'), 2);
  });

  it('is given up when the platform was not invited, and waits when its token is not valid', async () => {
    const before = t.count('matrix-room', 'refused');
    await t.notify.requestMatrix({ roomId: aRoom(), body: 'Hi' });
    answers.matrix.push(forbidden, forbidden);
    await t.send();
    assert.equal(t.count('matrix-room', 'refused'), before + 1);
    const roomId = aRoom();
    await t.notify.requestMatrix({ roomId, body: 'Hi' });
    answers.matrix.push([401, { errcode: 'M_UNKNOWN_TOKEN' }]);
    await t.send();
    t.clock.advance(seconds(10));
    await t.send();
    assert.equal(callsOf(roomId).length, 2);
    assert.equal(t.count('matrix-room', 'refused'), before + 1);
  });
});

describe('a message to a Slack channel', () => {
  const callsOf = (channel: string): HttpCall[] => slack.calls.filter(({ body }) => body.channel === channel);

  it('is posted with the token of the app', async () => {
    const channelId = slugid();
    const blocks = [{ type: 'divider' }];
    await t.notify.requestSlack({ channelId, text: 'Hi', blocks, unfurlLinks: true, unfurlMedia: false });
    await t.send();
    const [call] = callsOf(channelId);
    assert.deepEqual(call, {
      method: 'POST',
      path: '/api/chat.postMessage',
      token: 's-token',
      body: { channel: channelId, text: 'Hi', blocks, unfurl_links: true, unfurl_media: false },
    });
  });

  it('waits while Slack is busy, and is given up when the channel is none', async () => {
    const channelId = slugid();
    await t.notify.requestSlack({ channelId, text: 'Hi' });
    answers.slack.push(
      [429, { ok: false, error: 'ratelimited' }],
      [200, { ok: false, error: 'internal_error' }],
    );
    for (const wait of [0, 10, 20]) {
      t.clock.advance(seconds(wait));
      await t.send();
    }
    assert.equal(callsOf(channelId).length, 3);
    const nowhere = slugid();
    await t.notify.requestSlack({ channelId: nowhere, text: 'Hi' });
    answers.slack.push([200, { ok: false, error: 'channel_not_found' }]);
    await t.send();
    assert.equal(t.count('slack-channel', 'refused'), 1);
    assert.equal(callsOf(nowhere).length, 1);
  });
});

describe('a clock that was set back by days', () => {
  it('delays nothing that is tried again, nor what waits behind it, and lets the same be sent once more', async () => {
    const roomId = `!${slugid()}:example.com`;
    const mail = { address: anAddress(), subject: 'Again', content: 'Text' };
    assert.deepEqual(await t.notify.requestEmail(mail), {});
    await t.notify.requestMatrix({ roomId, body: 'one' });
    answers.matrix.push([500, {}]);
    await t.send();
    t.clock.advance(-days(2));
    await t.notify.requestMatrix({ roomId, body: 'two' });
    await t.send();
    const sent = matrix.calls.filter(({ path }) => decodeURIComponent(path).includes(roomId));
    assert.deepEqual(
      sent.map(({ body }) => body.body),
      ['one', 'one', 'two'],
    );
    assert.deepEqual(await t.notify.requestEmail(mail), {});
    assert.equal(await t.notify.requestEmail(mail), undefined);
  });
});

describe('an outage', () => {
  it('costs nothing but time, for about a day; then what waited is given up', async () => {
    const down = await testSmtp();
    await down.close();
    const settings = { email: { smtpUrl: down.url, from: 'yard@example.com' } };
    const alone = await testNotify(settings);
    try {
      await alone.notify.requestEmail({ address: anAddress(), subject: 'Out', content: 'Text' });
      let attempts = 0;
      while (alone.count('email', 'given-up') === 0) {
        attempts += await alone.send();
        alone.clock.advance(minutes(30));
      }
      assert.equal(attempts, 50);
      assert.deepEqual(await alone.db`select id from outgoing_notifications`, []);
    } finally {
      await alone.close();
    }
  });
});
