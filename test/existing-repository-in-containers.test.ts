import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  aboutTask,
  beginCheckout,
  commitFile,
  commitTaskgraph,
  gitIn,
  noTaskgraph,
  openToAll,
  publishOn,
  pythonFolder,
  runIn,
} from './support/checkout.ts';
import type { Ended } from './support/command.ts';
import { aHome, type Home, type Platform, root } from './support/platform.ts';

// A repository whose tasks run in images, on a container engine of this file's own.

interface Daemons {
  readonly noContainers: string | false;
  startContainerDaemon(): Promise<{
    readonly host: string;
    importRoot(name: string, archive: NodeJS.ReadableStream): Promise<void>;
    stop(): Promise<void>;
  }>;
}
interface Images {
  saveBusybox(name: string, content: { readonly files: Readonly<Record<string, string>> }): Promise<Buffer>;
}

/** What the tests of the worker have for containers. */
const ofWorker = (name: string) => import(join(root, 'packages/worker/dist/testing', name));
const { noContainers, startContainerDaemon } = (await ofWorker('container-daemon.js')) as Daemons;
const { saveBusybox } = (await ofWorker('saved-image.js')) as Images;

describe('a repository whose tasks run in images', { skip: noContainers }, () => {
  let folder: string;
  let daemon: Awaited<ReturnType<Daemons['startContainerDaemon']>>;
  const endings: (() => Promise<void>)[] = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'taskyard-in-images-'));
    daemon = await startContainerDaemon();
  });
  after(async () => {
    for (const end of endings) await end();
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const home = (): Promise<Home> => aHome({ after: (end) => void endings.push(end) });

  /** Runs what a checkout has, with the data of this name. */
  const run = (project: string, data: string, ...words: string[]): Promise<Ended> =>
    runIn({ folder: project, data: join(folder, data) }, words, { env: { DOCKER_HOST: daemon.host } });

  it('lets a decision of taskgraph run in its own image, which is made of a local root filesystem', {
    skip: noTaskgraph,
  }, async () => {
    const project = join(folder, 'taskgraph');
    const own = join(project, 'in-an-image');
    const made = spawn('sh', [join(root, 'examples/taskgraph/in-an-image/make-image.sh'), pythonFolder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [[status]] = await Promise.all([
      once(made, 'exit'),
      daemon.importRoot('taskgraph-decision:local', made.stdout),
    ]);
    assert.equal(status, 0);
    await commitTaskgraph(project, () =>
      cp(join(own, '.taskcluster.yml'), join(project, '.taskcluster.yml')),
    );
    const first = await run(project, 'decision');
    assert.equal(first.code, 0, first.out + first.err);
    for (const name of ['Decision', 'build-words', 'test-words'])
      assert.match(first.out, new RegExp(`completed {2}${name}$`, 'm'));
    await gitIn(project, 'commit', '-q', '--allow-empty', '-m', 'Change nothing');
    const second = await run(project, 'decision');
    assert.equal(second.code, 0, second.out + second.err);
    assert.match(second.out, /completed {2}test-words$/m);
    assert.doesNotMatch(second.out, /build-words/);
  });

  describe('that others have published in the index of their server', () => {
    let upstream: Platform;
    /** Answers in place of that server, where it returns true. */
    let interrupt: (path: string, response: ServerResponse) => boolean = () => false;
    const front = createServer(async (request, response) => {
      const { url = '', method = '', headers } = request;
      if (interrupt(url, response)) return;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const reply = await fetch(upstream.rootUrl + url, {
        method,
        redirect: 'manual',
        headers: { 'content-type': headers['content-type'] ?? '' },
        ...(method === 'POST' && { body: new Uint8Array(Buffer.concat(chunks)) }),
      });
      const location = reply.headers.get('location');
      response.writeHead(reply.status, location === null ? {} : { location });
      response.end(Buffer.from(await reply.arrayBuffer()));
    });
    let address: string;
    let project: string;
    let here: Home;
    let platform: Platform;
    before(async () => {
      upstream = await (await home()).start({}, undefined, '--no-worker');
      await openToAll(upstream);
      front.listen(0, '127.0.0.1');
      await once(front, 'listening');
      address = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
      here = await home();
      await mkdir(join(folder, 'with-upstream'));
      await symlink(here.path, join(folder, 'with-upstream/repository'));
      platform = await here.start({ UPSTREAM_URL: address }, undefined, '--no-worker');
      project = join(folder, 'project');
      await mkdir(project);
      await beginCheckout(project, 'project');
    });
    after(() => {
      front.closeAllConnections();
      front.close();
    });

    const publish = async (word: string): Promise<string> =>
      publishOn(upstream, {
        paths: ['others.images.tool'],
        name: 'public/image.tar',
        bytes: await saveBusybox('tool:latest', { files: { 'etc/word': `${word}\n` } }),
      });

    /** Runs a task in the image at the path, which looks for a word in it. */
    const look = async (word: string): Promise<Ended> => {
      await commitFile(
        project,
        `version: 1
tasks:
  - taskQueueId: team/linux
    retries: 0
    ${aboutTask(`looks for ${word}`)}
    payload:
      image: {type: indexed-image, namespace: others.images.tool, path: public/image.tar}
      maxRunTime: 60
      command: [grep, -x, ${word}, /etc/word]
`,
      );
      return run(project, 'with-upstream', '--upstream', address);
    };
    const passes = async (word: string): Promise<void> => {
      const { code, out, err } = await look(word);
      assert.equal(code, 0, out + err);
    };

    it('are found there, brought here, and followed to the next one', async () => {
      await publish('first');
      await passes('first');
      await publish('second');
      // Answers are remembered; a platform that has just started asks again.
      await platform.stop();
      platform = await here.start({ UPSTREAM_URL: address }, undefined, '--no-worker');
      await passes('second');
    });

    it('fail their task where that server does not hand them out, and are no fault of it where the server is ill', async () => {
      const isImage = (path: string): boolean => path.includes('/artifacts/');
      for (const [status, state, why] of [
        [403, 'failed', /\[image\] .*HTTP status 403/],
        [503, 'resource-unavailable', /HTTP status 503/],
      ] as const) {
        interrupt = (path, response) => {
          if (isImage(path)) response.writeHead(status).end();
          return isImage(path);
        };
        const { code, out } = await look('second');
        assert.equal(code, 1, out);
        assert.match(out, why);
        assert.match(out, new RegExp(`looks for second.*${state}|${state}.*looks for second`), out);
      }
      interrupt = () => false;
      await passes('second');
    });

    it('stay as they were found while the index of that server fails', async () => {
      interrupt = (path, response) => {
        if (path.includes('/index/')) response.writeHead(502).end();
        return path.includes('/index/');
      };
      await platform.stop();
      platform = await here.start({ UPSTREAM_URL: address }, undefined, '--no-worker');
      await passes('second');
    });
  });
});
