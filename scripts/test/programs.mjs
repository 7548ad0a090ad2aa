// The platform's programs in few files. Tests start them hundreds of times, and most of what each start computes is to find,
// read and link what the program imports, file by file.
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { filesIn } from '../compress.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a module of ours names a program beside it, and how a test does. */
const neighbour = /new URL\('(\.\/[^']+\.js)', import\.meta\.url\)/g;
const startedByTest = /programAt\(fileURLToPath\(new URL\('(\.\/[^']+\.js)', import\.meta\.url\)/g;

// What was compiled outlives its source.
const hasSource = (path) => existsSync(path.replace(/([\\/])dist([\\/].*)\.js$/, '$1src$2.ts'));

/** The programs that are started by other ones, and by tests of packages. */
const startedByOthers = () =>
  ['cli', 'server', 'worker'].flatMap((name) =>
    filesIn(join(root, 'packages', name, 'dist'), /\.js$/)
      .filter(hasSource)
      .flatMap((path) =>
        [...readFileSync(path, 'utf8').matchAll(path.endsWith('.test.js') ? startedByTest : neighbour)]
          .map(([, file]) => join(dirname(path), file))
          .filter(hasSource),
      ),
  );

/** Modules find their files where they are, and programs beside them in the folder that is written. */
const addresses = (entries, folder) => ({
  name: 'addresses',
  setup: (build) => {
    const urlOf = (path) => JSON.stringify(pathToFileURL(path).href);
    const moved = (path) => join(folder, path.slice(root.length));
    build.onLoad({ filter: /[\\/]packages[\\/][\w-]+[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const contents = text
        .replaceAll(neighbour, (all, file) => {
          const program = join(dirname(path), file);
          return entries.includes(program) ? `new URL(${urlOf(moved(program))})` : all;
        })
        .replaceAll('import.meta.url', urlOf(path));
      return { contents, loader: 'js' };
    });
  },
});

/** Libraries that are loaded when they are needed stay where they are, as does one that reads files beside its own. */
const laterLibraries = {
  name: 'later-libraries',
  setup: (build) => {
    build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) => {
      const isLater = kind === 'dynamic-import' && !path.startsWith('@taskyard/') && !path.startsWith('#');
      return isLater || path === 'dockerode' ? { path, external: true } : undefined;
    });
  },
};

/**
 * Writes `taskyard`, the programs that it starts, and those of tests of packages to an empty folder, each below its path
 * in the checkout and with all that it loads at its start. Returns the folder.
 */
export const writePrograms = async (folder) => {
  const { build } = await import('esbuild');
  const taskyard = 'packages/cli/bin/taskyard.js';
  const entries = [...new Set([join(root, taskyard), ...startedByOthers()])];
  await build({
    entryPoints: entries,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outdir: folder,
    outbase: root,
    logLevel: 'error',
    plugins: [laterLibraries, addresses(entries, folder)],
    // What is in CommonJS asks for modules of Node by this name.
    banner: {
      js: `import { createRequire as requireIn } from 'node:module'; const require = requireIn(${JSON.stringify(join(root, taskyard))});`,
    },
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  // What is not bundled is found as ever.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
};
