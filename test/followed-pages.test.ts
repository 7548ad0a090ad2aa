import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fromNow, Index, Queue, slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { type Ended, runProgram } from './support/command.ts';
import { aHome, type Platform, root } from './support/platform.ts';

/** A block of a page that is marked with `<!-- follow -->`: commands, or the text of a file that the mark names. */
interface Block {
  readonly file: string | undefined;
  readonly text: string;
}

const blocksOf = async (page: string): Promise<Block[]> => {
  const text = await readFile(join(root, 'docs', page), 'utf8');
  const found = [...text.matchAll(/<!-- follow(?:: (\S+))? -->\n\n?```\w+\n([\s\S]*?)```/g)];
  assert.equal(found.length, text.split('<!-- follow').length - 1, `a mark of ${page} has no block`);
  return found.map(([, file, block = '']) => ({ file, text: block }));
};

/** What a page says that its reader has: a task at a path of the index. */
const putIntoIndex = async ({ rootUrl, credentials }: Platform, path: string): Promise<void> => {
  const taskId = slugid();
  await new Queue({ rootUrl, credentials }).createTask(taskId, {
    taskQueueId: 'built-in/succeed',
    created: new Date().toJSON(),
    deadline: fromNow('1 hour').toJSON(),
    routes: [`index.${path}`],
    payload: {},
    metadata: { name: 'built', description: '', owner: 'a@example.com', source: 'https://example.com/' },
  });
  const index = new Index({ rootUrl, credentials });
  await eventually('the task to be in the index', () =>
    index.findTask(path).then(
      () => true,
      () => false,
    ),
  );
};

/** The pages, and what their commands print. */
const pages: Readonly<Record<string, readonly RegExp[]>> = {
  'operating/start.md': [/"alive": true/],
  'guides/graph-files.md': [/Every task completed: 2 completed/, /test\/public\/seen\.txt/],
  'guides/secrets.md': [/"token"/, /^project\/app\/deploy$/m, /prov\/linux {2}checkout/],
  'guides/hooks.md': [/^my-project\/nightly is as nightly\.yml says\n[\w-]{22}\n.*triggerHook {2}success/m],
  'guides/task-index.md': [/^task +[\w-]{22}$/m, /project\.app\.branch\.main\.latest/],
  'operating/access.md': [/"roleId": "anonymous"/],
  'operating/backup.md': [/taskyard\.tar\.gz: /, /^Would delete|^Nothing/m],
};

const follow = async (t: TestContext, page: string, { data, bin }: Readonly<Record<string, string>>) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-page-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await symlink(data ?? '', join(folder, '.taskyard'));
  const outputs: Ended[] = [];
  for (const { file, text } of await blocksOf(page)) {
    if (file !== undefined) {
      await writeFile(join(folder, file), text);
      continue;
    }
    // A server runs already.
    const commands = text.replaceAll(/^tyard serve\b.*\n/gm, '');
    const ended = await runProgram('bash', ['-eo', 'pipefail', '-c', commands], {
      cwd: folder,
      env: { PATH: `${bin}:${process.env.PATH}` },
    });
    assert.equal(ended.code, 0, `${commands}\n${ended.out}\n${ended.err}`);
    outputs.push(ended);
  }
  return outputs.map(({ out }) => out).join('');
};

test('pages whose commands work as they are written', async (t) => {
  const home = await aHome(t);
  const platform = await home.start();
  const bin = join(home.path, 'bin');
  await mkdir(bin);
  await symlink(join(root, 'packages/cli/bin/tyard.js'), join(bin, 'tyard'));
  await putIntoIndex(platform, 'project.app.branch.main.latest');
  for (const [page, wanted] of Object.entries(pages)) {
    await t.test(page, async (t) => {
      const said = await follow(t, page, { data: home.path, bin });
      for (const pattern of wanted) assert.match(said, pattern);
    });
  }
  const anonymous = await fetch(`${platform.rootUrl}/api/queue/v1/task-queues`);
  assert.equal(anonymous.status, 200, 'the role anonymous publishes task queues');
});
