import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { within } from '@taskyard/patience';
import { type Member, tarOf, zipOf } from './testing/hostile-archives.ts';
import { script } from './testing/payload-case.ts';
import { skips, startScene } from './testing/scene.ts';

type Payload = Record<string, unknown>;
const inline = (bytes: Buffer) => ({ base64: bytes.toString('base64') });
const tree = (directory: string, bytes: Buffer, format = 'tar') => ({
  directory,
  format,
  content: inline(bytes),
});
const file = (path: string) => ({ file: path, content: { raw: 'new\n' } });
const cache = (name: string, directory = 'c') => ({ cacheName: name, directory });

for (const engine of ['process', 'bubblewrap', 'docker'] as const) {
  const skip = skips[engine];
  const scene = skip === false ? await startScene(engine) : undefined;
  after(() => scene?.close());

  /** A folder that no task may reach: beside the tasks' directories, and open to the worker. */
  const outside = join(scene?.workDir ?? '', 'outside');
  const secret = join(outside, 'secret');
  if (scene) {
    await mkdir(outside, { mode: 0o750 });
    await writeFile(secret, 'hidden\n', { mode: 0o640 });
  }

  const run = async (payload: Payload, task: Payload = {}) => {
    const queue = scene?.queue;
    assert.ok(queue);
    const taskId = queue.addTask(payload, { scopes: ['generic-worker:cache:*'], ...task });
    const ended = await within('the run to end', queue.resolved(taskId));
    return { ended, state: ended.state, reason: ended.reason, log: queue.logOf(ended) };
  };
  const assertUntouched = async (): Promise<void> => {
    assert.deepEqual(await readdir(outside), ['secret']);
    assert.equal(await readFile(secret, 'utf8'), 'hidden\n');
    assert.equal((await stat(secret)).mode & 0o777, 0o640);
    assert.equal((await stat(outside)).mode & 0o777, 0o750);
  };

  describe(`${engine}: hostile trees`, { skip, concurrency: 1 }, () => {
    const planted: Member = { name: 'away/planted', content: 'x' };

    for (const format of ['tar', 'zip'] as const) {
      const archive = async (...members: Member[]): Promise<Buffer> =>
        format === 'tar' ? tarOf(...members) : zipOf(members);

      test(`${format}: a link of one archive leads no entry of the next outside`, async () => {
        const first = await archive({ name: 'e/away', link: outside });
        const mounts = [tree('d', first, format), tree('d/e', await archive(planted), format)];
        const { state, log } = await run(script('cat d/e/away/planted && test ! -L d/e/away', { mounts }));
        assert.equal(state, 'completed', log);
        await assertUntouched();
      });

      test(`${format}: a link of an archive leads no later entry of it outside`, async () => {
        const bytes = await archive({ name: 'away', link: outside }, planted);
        await run(script('true', { mounts: [tree('d', bytes, format)] }));
        await assertUntouched();
      });

      test(`${format}: a file in the place of a link does not go through it`, async () => {
        const first = await archive({ name: 'e/f', link: secret });
        const second = await archive({ name: 'f', content: 'mine\n' });
        const mounts = [tree('d', first, format), tree('d/e', second, format)];
        const { state, log } = await run(script('grep mine d/e/f', { mounts }));
        assert.equal(state, 'completed', log);
        await assertUntouched();
      });

      test(`${format}: names that lead out are not followed`, async () => {
        for (const name of [
          '../../../outside/planted',
          `${outside}/planted`,
          'a/../../../../outside/planted',
        ]) {
          await run(script('true', { mounts: [tree('d', await archive({ name, content: 'x' }), format)] }));
        }
        await assertUntouched();
      });
    }

    test('a hard link of an archive reads and changes nothing outside', async () => {
      for (const linkname of [secret, '../../../outside/secret', 'away/secret']) {
        const bytes = await tarOf(
          { name: 'away', link: outside },
          { name: 'hard', header: { type: 'link', linkname } },
        );
        const { log } = await run(script('cat d/hard; chmod 777 d/hard', { mounts: [tree('d', bytes)] }));
        assert.doesNotMatch(log, /^hidden$/m);
      }
      await assertUntouched();
    });

    test('programs of an archive lend nobody their rights, and its devices are left out', async () => {
      const bytes = await tarOf(
        { name: 'program', content: 'x', header: { mode: 0o6755 } },
        { name: 'null', header: { type: 'character-device', devmajor: 1, devminor: 3 } },
      );
      const { state, log } = await run(
        script('test ! -u d/program && test ! -g d/program && test ! -c d/null', {
          mounts: [tree('d', bytes)],
        }),
      );
      // Only root can create devices: others cannot unpack the archive.
      if (state !== 'completed') assert.match(log, /could not be unpacked/);
    });

    test('a file goes through no link on its way, and replaces one at its place', async () => {
      const links = tree('d', await tarOf({ name: 'away', link: outside }, { name: 'f', link: secret }));
      const led = await run(script('true', { mounts: [links, file('d/away/planted')] }));
      assert.equal(led.state, 'failed');
      assert.match(
        led.log,
        /Nothing can be put at d\/away\/planted: there is a link or a file where a directory is needed/,
      );
      const replaced = await run(script('grep new d/f && test ! -L d/f', { mounts: [links, file('d/f')] }));
      assert.equal(replaced.state, 'completed', replaced.log);
      await assertUntouched();
    });

    test('links that a task left in a cache lead no later mount outside, and none hangs', async () => {
      const mounts = [cache('trap')];
      const fill = `mkdir c/e; cd c/e; ln -s ${outside} away; ln -s ${secret} link; mkfifo pipe pipe2`;
      const filled = await run(script(fill, { mounts }));
      assert.equal(filled.state, 'completed', filled.log);
      const archive = await tarOf(planted, { name: 'pipe', content: 'y' }, { name: 'link', content: 'z' });
      const next = [cache('trap'), tree('c/e', archive), file('c/e/pipe2')];
      const used = await run(script('cd c/e; cat pipe pipe2 link away/planted', { mounts: next }));
      assert.equal(used.state, 'completed', used.log);
      const nested = await run(script('true', { mounts: [cache('trap'), cache('inner', 'c/e/away/inner')] }));
      assert.equal(nested.state, 'completed', nested.log);
      await assertUntouched();
    });

    test('a cache cannot be put through a link that another one holds', async () => {
      const filled = await run(script(`ln -s ${outside} c/away`, { mounts: [cache('led')] }));
      assert.equal(filled.state, 'completed', filled.log);
      const led = await run(script('true', { mounts: [cache('led'), cache('inner2', 'c/away/inner')] }));
      assert.equal(led.state, 'failed');
      assert.match(
        led.log,
        /The cache inner2 cannot be put at c\/away\/inner: there is a link or a file where a directory is needed/,
      );
      await assertUntouched();
    });

    test('removing a cache and the leftovers of a run removes nothing outside', async () => {
      const fill = `ln -s ${outside} c/away; ln -s ${outside} away; mkdir -p c/a/b; chmod 0 c/a; chmod 0 .; exit 3`;
      const onExitStatus = { purgeCaches: [3] };
      await run(script(fill, { mounts: [cache('gone')], onExitStatus }));
      await assertUntouched();
      const { state, log } = await run(script('test -z "$(ls c)"', { mounts: [cache('gone')] }));
      assert.equal(state, 'completed', log);
    });

    test('a URL of a private address can be mounted only where a task is not kept from it', async (t) => {
      const server = createServer((_, response) => void response.end('inner'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => void server.close());
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const { state, log } = await run(script('true', { mounts: [{ file: 'f', content: { url } }] }));
      assert.equal(state, engine === 'process' ? 'completed' : 'failed', log);
      if (engine !== 'process') assert.match(log, /127\.0\.0\.1 is a private address/);
    });

    test('artifacts are read through no link that leads outside, and from no pipe', async () => {
      const make = `mkdir d; ln -s ${secret} d/link; ln -s ${outside} d/away; mkfifo d/pipe pipe; echo ok > d/good;
        ln -s ${outside} to; ln -s d/../../../../outside/secret up; ln -s loop loop`;
      const one = (path: string) => ({ type: 'file', path, name: `public/${path}` });
      const paths = ['d/link', 'd/away/secret', 'to/secret', 'up', 'loop', 'pipe'];
      const artifacts = [{ type: 'directory', path: 'd', name: 'public/all' }, ...paths.map(one)];
      const { state, ended } = await run(script(make, { artifacts }));
      assert.equal(state, 'failed');
      assert.equal(ended.artifacts.get('public/all/good')?.storageType, 's3');
      for (const name of [...paths.map((path) => `public/${path}`), 'public/all/link', 'public/all/pipe']) {
        assert.equal(ended.artifacts.get(name)?.storageType, 'error', name);
      }
      assert.equal(ended.artifacts.get('public/all/away/secret'), undefined);
    });

    const shown = { skip: engine === 'process' && 'its tasks see the machine itself' };

    test(
      'a task leads neither its next command nor its artifacts elsewhere by absolute paths',
      shown,
      async () => {
        const place = scene?.workDir ?? '';
        const turn = `mv ${place} ${place}-away; rm -rf ${place}; ln -s /oldroot${outside} ${place};
        ln -s ${secret} ${place}-link; echo first`;
        const { state, log, ended } = await run({
          ...script(''),
          command: [turn, 'echo second'].map((text) => ['/bin/sh', '-c', text]),
          artifacts: [{ type: 'file', path: `${place}-link`, name: 'public/link' }],
        });
        assert.equal(state, 'failed', log);
        assert.match(log, /^first$[\s\S]*^second$/m);
        assert.equal(ended.artifacts.get('public/link')?.storageType, 'error');
        await assertUntouched();
      },
    );

    test('a link in a cache at an absolute path leads no later mount outside', shown, async () => {
      const cached = cache('absolute-links', '/builds/c');
      const planted = await run(
        script(`ln -s ${outside} /builds/c/away && echo planted`, { mounts: [cached] }),
      );
      assert.equal(planted.state, 'completed', planted.log);
      const { state, log } = await run(script('true', { mounts: [cached, file('/builds/c/away/planted')] }));
      assert.equal(state, 'failed');
      assert.match(log, /Nothing can be put at \/builds\/c\/away\/planted/);
      await assertUntouched();
    });
  });
}
