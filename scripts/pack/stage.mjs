// Lays packages out in a folder as they will be installed: what is shipped of our own, and the libraries that go with it.
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

const writeManifest = (folder, manifest) =>
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

/** The folder of a library as Node finds it from another folder; nothing where it is not installed. */
const folderOf = (name, from) => {
  for (let folder = from; folder.startsWith(root.slice(0, -1)); folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
  }
  return undefined;
};

const isOwn = (folder) => realpathSync(folder).startsWith(join(root, 'packages') + sep);

// What is compiled of tests stays here, as do maps to sources that are not shipped.
const leftOut = /\.test\.(d\.ts|js)(\.map)?$|\.map$|\.tsbuildinfo$|[\\/](testing|test-cases)$/;

const copyOwn = (from, to) => {
  const { files } = manifestOf(from);
  mkdirSync(to, { recursive: true });
  for (const name of files) {
    cpSync(join(from, name), join(to, name), { recursive: true, filter: (path) => !leftOut.test(path) });
  }
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
};

// Some libraries list types of others among what they need to run.
const withoutTypes = (dependencies = {}) =>
  Object.fromEntries(Object.entries(dependencies).filter(([name]) => !name.startsWith('@types/')));

/** Copies a library without its own libraries, types, and scripts that would run at its installation. */
const copyLibrary = (from, to) => {
  cpSync(from, to, {
    recursive: true,
    filter: (path) =>
      !relative(from, path).split(sep).includes('node_modules') && !/\.(map|[cm]?ts)$/.test(path),
  });
  const { scripts: _scripts, ...manifest } = manifestOf(from);
  writeManifest(to, { ...manifest, dependencies: withoutTypes(manifest.dependencies) });
};

/** Copies everything that a package needs to run, as deep as it goes, to where it lies in the workspace. */
const bundle = (stage, folder, wanted, copied = new Set()) => {
  for (const name of wanted) {
    const from = folderOf(name, folder);
    if (from === undefined) throw new Error(`${name}, which ${folder} needs, is not installed`);
    if (copied.has(from)) continue;
    copied.add(from);
    const place = relative(root, from);
    if (!place.startsWith('node_modules')) throw new Error(`${name} is installed inside of ${folder}`);
    const to = join(stage, place);
    const { dependencies = {}, ...manifest } = manifestOf(from);
    if (isOwn(from)) {
      copyOwn(realpathSync(from), to);
      writeManifest(to, { ...manifest, dependencies, devDependencies: undefined });
    } else copyLibrary(from, to);
    bundle(stage, realpathSync(from), Object.keys(withoutTypes(dependencies)), copied);
  }
};

const server = '@taskyard/server';

/** The command with worker and client. Where the server is installed beside it, it can serve. */
export const stageCli = (staging) => {
  const from = join(root, 'packages/cli');
  const stage = join(staging, 'cli');
  const { dependencies, ...manifest } = manifestOf(from);
  const { [server]: serverVersion, ...bundled } = dependencies;
  copyOwn(from, stage);
  bundle(stage, from, Object.keys(bundled));
  writeManifest(stage, {
    ...manifest,
    engines: manifestOf(root).engines,
    // The npm registry knows another program named `taskyard`; installed, ours has one name that is free.
    bin: { tyard: manifest.bin.tyard },
    dependencies: bundled,
    bundleDependencies: true,
    peerDependencies: { [server]: serverVersion },
    peerDependenciesMeta: { [server]: { optional: true } },
  });
  return stage;
};

/** The server with its pages; its libraries are left to npm, since some differ by operating system. */
export const stageServer = (staging) => {
  const from = join(root, 'packages/server');
  const stage = join(staging, 'server');
  const own = Object.keys(manifestOf(from).dependencies).filter((name) => name.startsWith('@taskyard/'));
  copyOwn(from, stage);
  bundle(stage, from, own);
  writeManifest(stage, {
    ...manifestOf(from),
    engines: manifestOf(root).engines,
    bundleDependencies: own,
  });
  return stage;
};
