import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Ending, root } from './platform.ts';

/** A program that builds images. Podman has buildah inside. */
interface Builder {
  readonly program: string;
  /** The settings in what `inspect` prints of an image. */
  configIn(inspected: string): BuiltImage['config'];
  /** Prints the folder of the root filesystem of an image. */
  mount(call: (...words: string[]) => string, image: string): string;
}

const builders: readonly Builder[] = [
  {
    program: 'buildah',
    configIn: (inspected) =>
      (JSON.parse(inspected) as { OCIv1: { config: BuiltImage['config'] } }).OCIv1.config,
    mount: (call, image) => call('mount', call('from', '--pull-never', image)),
  },
  {
    program: 'podman',
    configIn: (inspected) => {
      const [image] = JSON.parse(inspected) as [{ Config: BuiltImage['config'] }];
      return image.Config;
    },
    mount: (call, image) => call('image', 'mount', image),
  },
];

const isThere = ({ program }: Builder): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** What builds images here, if anything does: only root can. */
export const findBuilder = (): Builder | undefined =>
  process.getuid?.() === 0 ? builders.find(isThere) : undefined;

/** Node.js of this machine with its libraries, and busybox: a root filesystem without any registry. */
const makeBase = (folder: string): void => {
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    copyFileSync(from, join(folder, to));
  };
  put(process.execPath, 'usr/local/bin/node');
  const libraries =
    execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+(?= \()/g) ?? [];
  for (const library of libraries) put(library, library);
  put('/bin/busybox', 'bin/busybox');
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  symlinkSync('/bin/busybox', join(folder, 'usr/bin/env'));
  writeFileSync(join(folder, 'Containerfile'), 'FROM scratch\nCOPY . /\n');
};

/** An image: its settings, and the folder of its root filesystem. */
export interface BuiltImage {
  readonly config: {
    readonly User: string;
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[];
    readonly Env: readonly string[];
  };
  readonly path: string;
}

/** Builds the image of `packaging/container` with the package that is installed at a path. */
export const buildImage = (test: Ending, builder: Builder, installed: string): BuiltImage => {
  const folder = mkdtempSync(join(tmpdir(), 'taskyard-image-'));
  const storage = [
    '--root',
    join(folder, 'root'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'vfs',
  ];
  const call = (...words: string[]): string =>
    execFileSync(builder.program, [...storage, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim();
  test.after(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const [base, context] = [join(folder, 'base'), join(folder, 'context')];
  makeBase(base);
  const home = join(context, 'usr/local/lib/node_modules/@taskyard/cli');
  mkdirSync(join(context, 'usr/local/bin'), { recursive: true });
  mkdirSync(join(context, 'data'));
  cpSync(installed, home, { recursive: true, verbatimSymlinks: true });
  symlinkSync('../lib/node_modules/@taskyard/cli/bin/taskyard.js', join(context, 'usr/local/bin/tyard'));
  const build = ['build', '--isolation', 'chroot', '--layers=false', '--pull=never'];
  call(...build, '--tag', 'localhost/base', '--file', join(base, 'Containerfile'), base);
  const recipe = join(root, 'packaging/container/Containerfile');
  call(
    ...build,
    '--build-arg',
    'BASE=localhost/base',
    '--tag',
    'localhost/taskyard',
    '--file',
    recipe,
    context,
  );
  const config = builder.configIn(call('inspect', '--type', 'image', 'localhost/taskyard'));
  const path = builder.mount(call, 'localhost/taskyard');
  assert.ok(path.startsWith(folder), path);
  return { config, path };
};
