import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import jsone from 'json-e';
import { compose, contextOf, type TaskInMessage, templatesOf } from './composing.ts';
import type { Rendered } from './rendering/index.ts';
import type { EmailRequest, MatrixRequest, NotificationType, SlackRequest } from './schema.ts';

const status = { taskId: 'T', state: 'failed', runs: [{}, {}] };
const aTask = (notify?: unknown, name = 'build'): TaskInMessage => ({
  taskGroupId: 'G',
  metadata: {
    name,
    description: 'Builds it.',
    owner: 'owner@example.com',
    source: 'https://example.com/s',
  },
  extra: { notify },
});

const addresses = {
  email: 'a@example.com',
  pulse: 'a.topic',
  'matrix-room': '!room:example.org',
  'slack-channel': 'C123',
};
// As the thread renders it.
const render = (template: unknown, context: object): Rendered => {
  try {
    return { value: jsone(template as object, context) as unknown };
  } catch (error) {
    return { mistake: (error as Error).message };
  }
};

const made = (type: NotificationType, task: TaskInMessage, address = addresses[type]) => {
  const route = { type, address, event: 'any' };
  const occasion = { route, status, task, rootUrl: 'https://tasks.example.com' };
  const templates = Object.entries(templatesOf(occasion));
  const rendered = templates.map(([name, template]) => [name, render(template, contextOf(occasion))]);
  return compose({ ...occasion, rendered: Object.fromEntries(rendered) as Record<string, Rendered> });
};

const message = <Request>(type: NotificationType, task: TaskInMessage): Request => {
  const notification = made(type, task);
  assert.ok(!('mistake' in notification), JSON.stringify(notification));
  assert.equal(notification.address, addresses[type]);
  return notification.message as Request;
};
const mail = (notify?: unknown, name?: string) => message<EmailRequest>('email', aTask(notify, name));

describe('a mail about a task', () => {
  it('says what happened to which task, and links to it', () => {
    const { subject, content, link, template } = mail();
    assert.equal(subject, 'Task failed: build - T');
    assert.deepEqual(link, { text: 'Show the task', href: 'https://tasks.example.com/tasks/T' });
    assert.equal(template, 'simple');
    for (const word of ['`T`', 'failed', '2 runs', 'build', 'Builds it.', 'owner@example.com', '/groups/G'])
      assert.ok(content.includes(word), word);
  });

  it('has the text of extra.notify.email, rendered by json-e', () => {
    const email = {
      subject: `\${task.metadata.name} is \${status.state}`,
      content: `See \${rootUrl}/tasks/\${taskId}`,
      link: { text: 'Look', href: `https://example.com/\${taskId}` },
      template: 'fullscreen',
    };
    assert.deepEqual(mail({ email }), {
      address: 'a@example.com',
      subject: 'build is failed',
      content: 'See https://tasks.example.com/tasks/T',
      link: { text: 'Look', href: 'https://example.com/T' },
      template: 'fullscreen',
    });
    assert.equal(mail({ email: { content: 'Only this' } }).subject, 'Task failed: build - T');
  });

  it('says so when a template has a mistake', () => {
    assert.match(mail({ email: { content: `\${nobody}` } }).content, /cannot be rendered: .*nobody/);
  });

  it('is cut where it is too long', () => {
    const { subject, content } = mail({ email: { content: 'x'.repeat(200_000) } }, 'n'.repeat(300));
    assert.equal(subject.length, 255);
    assert.equal(content.length, 102_400);
  });

  it('cannot be made for what is no address, or with a link that is none', () => {
    const twoOfThem = made('email', aTask(), 'a@example.com, b@example.com');
    assert.match('mistake' in twoOfThem ? twoOfThem.mistake : '', /body.address/);
    const link = { email: { link: { text: '', href: 'nowhere' } } };
    const mistake = made('email', aTask(link));
    assert.match('mistake' in mistake ? mistake.mistake : '', /body.link/);
  });

  it('survives anything in extra.notify', () => {
    for (const notify of [null, 7, 'text', [], { email: 'text' }, { email: null }, { email: { content: 7 } }])
      assert.equal(mail(notify).address, 'a@example.com');
    assert.equal(mail({ email: { content: { $eval: '[1, 2]' } } }).content, '[1,2]');
  });
});

describe('a message about a task', () => {
  it('on pulse is its status', () => {
    assert.deepEqual(message('pulse', aTask()), status);
  });

  it('to a Matrix room is a notice, or what the task says', () => {
    assert.deepEqual(message('matrix-room', aTask()), {
      roomId: '!room:example.org',
      body: "The task 'build' failed: https://tasks.example.com/tasks/T",
      msgtype: 'm.notice',
    });
    const own = {
      matrixBody: `Plain \${taskId}`,
      matrixFormattedBody: `<b>\${taskId}</b>`,
      matrixFormat: 'org.matrix.custom.html',
      matrixMsgtype: 'm.text',
    };
    assert.deepEqual(message<MatrixRequest>('matrix-room', aTask(own)), {
      roomId: '!room:example.org',
      body: 'Plain T',
      formattedBody: '<b>T</b>',
      format: 'org.matrix.custom.html',
      msgtype: 'm.text',
    });
    assert.ok('mistake' in made('matrix-room', aTask({ matrixMsgtype: 'm.image' })));
  });

  it('to a Slack channel links to task and group, and mentions no one', () => {
    const { channelId, text, blocks } = message<SlackRequest>(
      'slack-channel',
      aTask(undefined, '<!channel> | & more'),
    );
    assert.equal(channelId, 'C123');
    assert.ok(
      text.includes('<https://tasks.example.com/tasks/T|&lt;!channel&gt; ¦ &amp; more> failed'),
      text,
    );
    assert.match(JSON.stringify(blocks), /tasks\/groups\/G\|G>/);
  });

  it('to a Slack channel is what the task says', () => {
    const own = {
      slackText: `It \${status.state}`,
      slackBlocks: [{ type: 'divider', id: `\${taskId}` }],
      slackAttachments: [{ text: 'more' }],
      slackUnfurlLinks: true,
    };
    assert.deepEqual(message<SlackRequest>('slack-channel', aTask(own)), {
      channelId: 'C123',
      text: 'It failed',
      blocks: [{ type: 'divider', id: 'T' }],
      attachments: [{ text: 'more' }],
      unfurlLinks: true,
      unfurlMedia: false,
    });
    assert.ok('mistake' in made('slack-channel', aTask({ slackText: 'x'.repeat(300_000) })));
    assert.ok('mistake' in made('slack-channel', aTask({ slackBlocks: `\${nobody}` })));
  });
});
