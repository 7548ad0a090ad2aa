import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Container } from 'dockerode';
import { programEnvironment } from '../../program-environment.ts';
import { statusOf } from '../../retry.ts';
import { removeTree } from '../../trees/index.ts';
import { messageOf } from '../../worker-log.ts';

// More links than this in a row are no honest path.
const linksMax = 8;

/** Where a path of a container leads in it, all links followed; undefined where nothing is. */
const follow = async (container: Container, path: string): Promise<string | undefined> => {
  let place = path;
  for (let links = 0; links < linksMax; links++) {
    try {
      const answer = (await container.infoArchive({ path: place })) as unknown as IncomingMessage;
      answer.resume();
      const stat = String(answer.headers['x-docker-container-path-stat'] ?? '');
      const { linkTarget } = JSON.parse(Buffer.from(stat, 'base64').toString()) as { linkTarget?: string };
      if (linkTarget === undefined || linkTarget === '' || linkTarget === place) return place;
      place = linkTarget;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }
  return undefined;
};

const unpack = async (archive: NodeJS.ReadableStream, directory: string): Promise<void> => {
  const args = ['--extract', '--no-same-owner', '--no-same-permissions', '--directory', directory];
  const child = spawn('tar', args, { stdio: ['pipe', 'ignore', 'ignore'], env: programEnvironment() });
  const exit = once(child, 'close');
  const failure = await pipeline(archive, child.stdin).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  const [code] = await exit;
  if (code !== 0) throw new Error(`What the container left could not be unpacked: tar ended with ${code}.`);
  // It takes one that breaks off between two entries for whole, and itself leaves at the end that an archive names.
  if (failure && failure.code !== 'EPIPE')
    throw new Error(`What the container left did not come whole: ${messageOf(failure)}`);
};

/** Copies a file or directory out of a container, to a new path. Returns whether it existed. */
export const copyOut = async (
  container: Container,
  { path, to, workDirectory }: { path: string; to: string; workDirectory: string },
): Promise<boolean> => {
  const place = await follow(container, path);
  if (place === undefined) return false;
  const directory = await mkdtemp(join(workDirectory, 'copied-'));
  try {
    await unpack(await container.getArchive({ path: place }), directory);
    // The archive holds one thing, under its own name.
    const [name] = await readdir(directory);
    if (name === undefined) return false;
    await mkdir(dirname(to), { recursive: true });
    await rename(join(directory, name), to);
    return true;
  } finally {
    await removeTree(directory);
  }
};
