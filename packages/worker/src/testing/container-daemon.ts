import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { eventually, leftOutFor, within } from '@taskyard/patience';
import type Docker from 'dockerode';
import { defaultPath } from '../config.ts';
import { dockerAt } from '../engines/docker/connect.ts';
import { findProgram } from '../engines/find-program.ts';
import { type ImageContent, saveBusybox } from './saved-image.ts';

const run = promisify(execFile);

const findDaemon = (): { kind: 'dockerd' | 'podman'; program: string } | undefined => {
  const kinds = process.env.TASKYARD_TEST_CONTAINERS === 'podman' ? ['podman'] : ['dockerd', 'podman'];
  for (const kind of kinds as ('dockerd' | 'podman')[]) {
    const program = findProgram(kind, `${process.env.PATH}:${defaultPath()}`);
    if (program !== undefined) return { kind, program };
  }
  return undefined;
};

const whatIsMissing = (): string | false => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'only root starts a daemon for containers';
  if (!findDaemon()) return 'neither Docker nor Podman is installed';
  return existsSync('/bin/busybox') ? false : 'busybox is not installed';
};

/** Why tests with containers are left out; false where they run. */
export const noContainers = leftOutFor(whatIsMissing());

/** A Docker or Podman of a test file's own. */
export interface ContainerDaemon {
  readonly kind: 'dockerd' | 'podman';
  readonly host: string;
  readonly docker: Docker;
  /** An image with a shell and the usual small programs. No registry knows it. */
  readonly image: string;
  /** Adds another image with these names and contents; returns its id. */
  load(name: string, content: ImageContent): Promise<string>;
  /** Makes an image of this name and tag out of a root filesystem, a tar archive. */
  importRoot(name: string, archive: NodeJS.ReadableStream): Promise<void>;
  stop(): Promise<void>;
}

// No registry listens there, so that a pull fails at once.
const imageName = '127.0.0.1:1/busybox:test';

const podmanSettings = [
  '[containers]',
  'default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]',
  '[engine]',
  'runtime = "runc"',
  'cgroup_manager = "cgroupfs"',
  'events_logger = "file"',
];

const startDocker = (program: string, folder: string, socket: string): ChildProcess => {
  // Without rules for a firewall and without forwarding: nothing of the machine is changed.
  const args = ['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--bridge=none'];
  const places = ['--data-root', 'docker', '--exec-root', 'exec', '--pidfile', 'pid'].map((part) =>
    part.startsWith('--') ? part : join(folder, part),
  );
  // Test files run at the same time, those of another checkout too, and their daemons must not choose the same
  // addresses: each has room for 16 networks, by the id of its process.
  const [high, low] = [64 + ((process.pid >> 4) & 127), (process.pid & 15) * 16];
  const addresses = `base=10.${high}.${low}.0/20,size=24`;
  // The worker tries again itself, and a daemon that does so too takes minutes for it.
  const own = ['-H', `unix://${socket}`, '--default-address-pool', addresses, '--max-download-attempts', '1'];
  return spawn(program, [...places, ...own, ...args], { stdio: 'ignore' });
};

const startPodman = async (program: string, folder: string, socket: string): Promise<ChildProcess> => {
  const settings = join(folder, 'containers.conf');
  const networks = ['[network]', `network_config_dir = "${join(folder, 'networks')}"`];
  await writeFile(settings, `${[...podmanSettings, ...networks].join('\n')}\n`);
  // The registries of tests have no certificates. Docker takes those of the machine itself without.
  const registries = join(folder, 'registries.conf');
  const plain = ['[[registry]]', 'prefix = "127.0.0.1"', 'location = "127.0.0.1"', 'insecure = true'];
  await writeFile(registries, `${plain.join('\n')}\n`);
  const places = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')];
  const args = [...places, 'system', 'service', '--time=0', `unix://${socket}`];
  const env = { ...process.env, CONTAINERS_CONF: settings, CONTAINERS_REGISTRIES_CONF: registries };
  // It leaves a file where it was started when a container has had too much memory.
  return spawn(program, args, { stdio: 'ignore', env, cwd: folder });
};

const untilItAnswers = async (docker: Docker, daemon: ChildProcess): Promise<void> => {
  let hasEnded = false;
  daemon.once('exit', () => {
    hasEnded = true;
  });
  await eventually('the daemon for containers to answer', () => {
    if (hasEnded) throw new Error('the daemon for containers did not start');
    return docker.ping().then(
      () => true,
      () => false,
    );
  });
};

const untilItEnds = async (answer: NodeJS.ReadableStream): Promise<void> => {
  for await (const _ of answer);
};

const load = async (docker: Docker, archive: Buffer): Promise<void> =>
  untilItEnds(await docker.loadImage(Readable.from([archive])));

/** Starts a daemon with a folder of its own, and an image in it. */
export const startContainerDaemon = async (): Promise<ContainerDaemon> => {
  const missing = whatIsMissing();
  const found = findDaemon();
  if (missing !== false || !found) throw new Error(`Tests with containers cannot run: ${missing}.`);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'taskyard-containers-')));
  const socket = join(folder, 'socket');
  const start = found.kind === 'dockerd' ? startDocker : startPodman;
  const daemon = await start(found.program, folder, socket);
  const ended = once(daemon, 'exit');
  const docker = dockerAt(`unix://${socket}`);
  await untilItAnswers(docker, daemon);
  await load(docker, await saveBusybox(imageName));
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await within('the daemon for containers to end', ended);
    // Mounts that the daemon left would keep the folder from being removed.
    await run('sh', ['-c', `grep -o ' ${folder}/[^ ]*' /proc/mounts | sort -r | xargs -r umount -l`]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const loadAs = async (name: string, content: ImageContent): Promise<string> => {
    await load(docker, await saveBusybox(name, content));
    return (await docker.getImage(name).inspect()).Id;
  };
  const importRoot: ContainerDaemon['importRoot'] = async (name, archive) => {
    const [repo, tag] = name.split(':');
    await untilItEnds(await docker.importImage(archive, { repo, tag }));
    await docker.getImage(name).inspect();
  };
  const host = `unix://${socket}`;
  return { kind: found.kind, host, docker, image: imageName, load: loadAs, importRoot, stop };
};
