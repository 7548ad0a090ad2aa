import { type TestApi, testApi } from '../testing.ts';
import { emailSender } from './email.ts';
import { matrixSender } from './matrix.ts';
import { slackSender } from './slack.ts';
import { senderSuite } from './testing/sender-suite.ts';
import { testSmtp } from './testing/smtp.ts';

/** Closes once, also where a test has closed already. */
const once = (close: () => Promise<void>): (() => Promise<void>) => {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= close();
    return closed;
  };
};

type Reply = [status: number, body: object];

/** A service over HTTP, which refuses with the replies that are queued. */
const aService = async (isTaken: Reply) => {
  const refusals: Reply[] = [];
  const taken: TestApi['calls'][number][] = [];
  const api = await testApi((call) => {
    const refusal = refusals.shift();
    if (!refusal) taken.push(call);
    return refusal ?? isTaken;
  });
  return { url: api.url, taken, refusals, close: once(() => api.close()) };
};

senderSuite('email', async () => {
  const smtp = await testSmtp();
  return {
    sender: emailSender({ smtpUrl: smtp.url, from: 'Taskyard <yard@example.com>' }),
    address: 'someone@example.com',
    messageOf: (text) => ({ subject: text, content: text }),
    refuse: (how) => smtp.failNext('recipient', how === 'for good' ? 550 : 451),
    received: () => smtp.mails.map(({ subject }) => subject ?? ''),
    close: once(() => smtp.close()),
  };
});

senderSuite('matrix', async () => {
  const { url, taken, refusals, close } = await aService([200, { event_id: '$1' }]);
  return {
    sender: matrixSender({ url, accessToken: 'm-token' }),
    address: '!room:example.org',
    messageOf: (text) => ({ body: text, msgtype: 'm.text' }),
    refuse: (how) => refusals.push(how === 'for good' ? [400, { errcode: 'M_BAD_JSON' }] : [502, {}]),
    received: () => taken.map(({ body }) => String(body.body)),
    close,
  };
});

senderSuite('slack', async () => {
  const { url, taken, refusals, close } = await aService([200, { ok: true }]);
  return {
    sender: slackSender({ url, accessToken: 's-token' }),
    address: 'C123',
    messageOf: (text) => ({ text }),
    refuse: (how) =>
      refusals.push([200, { ok: false, error: how === 'for good' ? 'channel_not_found' : 'ratelimited' }]),
    received: () => taken.map(({ body }) => String(body.text)),
    close,
  };
});
