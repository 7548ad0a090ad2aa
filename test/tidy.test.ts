import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import { isOver, measuresOf, report } from './measures/all.ts';
import { programFiles, withSources } from './measures/sources.ts';
import { root } from './support/platform.ts';
import { withoutText } from './support/without-text.ts';

// Rules of structure. One that neither this test nor Biome nor the compiler checks is advice.

/** The folders of packages/server/src, lowest first: a file imports from its own, or through the door of a lower one. */
const floors = [
  'base',
  'demo-cloud',
  'http',
  'auth',
  'testing',
  'events',
  'objects',
  'scheduler',
  'workers',
  'queue',
  'artifacts',
  'task-graphs',
  'notify',
  'index',
  'upstream',
  'secrets',
  'purge-cache',
  'worker-manager',
  'hooks',
  'built-in-workers',
  'sessions',
  'third-parties',
  'tunnels',
  'views',
  'github',
  'config',
];

/** The folder above the files beside the floors, which open them all. Only the package's index.ts is above it. */
const roof = 'process';

/**
 * The rooms of a domain, lowest first: a file takes from its own room or from those below. Others that a domain needs have
 * names of their own, and no order.
 */
const rooms = [
  'schema',
  'lifecycle',
  'store',
  'events',
  'context',
  'service',
  'subscription',
  'routes',
  'loops',
  'index',
];

/** The folders of packages/worker/src, lowest first. */
const workerFloors = [
  'payload',
  'addresses',
  'trees',
  'tunnel',
  'logs',
  'proxy',
  'registration',
  'claims',
  'mounts',
  'images',
  'engines',
  'shells',
  'resources',
  'artifacts',
  'trust',
  'runs',
];
/** Files of the worker that stand below its folders; all others stand above. */
const workerGround = [
  'clock.ts',
  'in-parallel.ts',
  'program-environment.ts',
  'retry.ts',
  'unavailable.ts',
  'worker-log.ts',
];

interface Source {
  /** From the root: `packages/server/src/queue/store.ts` */
  readonly path: string;
  readonly text: string;
}

const leftOut = /(^|\/)(node_modules|dist|generated|conformance|\.venv|\.git|\.taskyard|\.scratch)(\/|$)/;

const read = (folder: string, pattern: RegExp): Source[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (leftOut.test(path)) return [];
    if (entry.isDirectory()) return read(path, pattern);
    return pattern.test(path) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : [];
  });

const code = read('packages', /\/src\/.*\.tsx?$/).concat(read('test', /\.ts$/));
const isTest = ({ path }: Source): boolean => /\.test\.tsx?$/.test(path) || path.startsWith('test/');
const isSupport = ({ path }: Pick<Source, 'path'>): boolean => /\/testing(\.ts$|\/)/.test(path);
const program = code.filter((source) => !isTest(source));
const serverFolder = 'packages/server/src/';
const server = code.filter(({ path }) => path.startsWith(serverFolder));
const inServer = (path: string): string => path.slice(serverFolder.length);

/** The offending lines of some sources, as `path:line: text`. */
const linesWith = (sources: readonly Source[], pattern: RegExp): string[] =>
  sources.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );

/** How tests wait or measure time on their own, looked for in code without its strings and comments. */
const impatience = [
  /\bsetTimeout\b|\bAbortSignal\.timeout\b|(?<![\w.])sleep\(|\bawait systemClock\.sleep\(/,
  // A limit of a test's own, as an option or on its way there, and those of other libraries.
  /\btimeout\b(?!: patienceMs)(?!\.)\s*[:=,}]|\bset\w*Timeout\((?!patienceMs)/,
  /\bperformance\b|\bhrtime\b/,
  // A moment to give up at, or the time that has passed since another.
  /\bDate\.now\(\)\s*(?:[<>]|-\s*[a-z])|(?:const|let) \w+ = Date\.now\(\) \+|\bgiveUpAt\b/,
  /\bwhile \(.*\bsetImmediate\b/,
  // What a browser is asked has a limit of its library's, unless test/support/browser.ts takes it away.
  /\broute\.fetch\(\)|\.newContext\(|\bchromium\.launch\(\)/,
];

const impatientLines = (sources: readonly Source[]): string[] => {
  const code = sources.map(({ path, text }) => ({ path, text: withoutText(text) }));
  return impatience.flatMap((pattern) => linesWith(code, pattern));
};

const importStatement = /^(?:import|export)\b(?:[^'"`;=(]*\bfrom)?\s*'([^']+)'|\bimport\('([^']+)'\)/gm;
const importsOf = ({ text }: Source): string[] =>
  [...text.matchAll(importStatement)].flatMap(([, to, later]) => to ?? later ?? []);

const relativeImports = code.flatMap((source) =>
  importsOf(source)
    .filter((to) => to.startsWith('.'))
    .map((to) => ({ from: source.path, to, target: posix.join(posix.dirname(source.path), to) })),
);

/** A path's storey: files beside the folders (`app.ts`, `domains.ts`) join these, `process` runs what was joined. */
const joined = floors.length;
const floorOf = (path: string): number => {
  if (inServer(path) === 'index.ts') return joined + 2;
  const folder = inServer(path).match(/^[^/]+(?=\/)/)?.[0];
  if (folder === roof) return joined + 1;
  return folder === undefined ? joined : floors.indexOf(folder);
};

describe('the house is tidy', () => {
  it('every folder of the server is a floor with a door and a page about itself', () => {
    const folders = readdirSync(join(root, serverFolder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    assert.deepEqual(
      folders.filter((folder) => folder !== roof && !floors.includes(folder)),
      [],
      'folders that no floor is named for',
    );
    const missing = folders.flatMap((folder) =>
      ['index.ts', 'README.md']
        .map((file) => join(serverFolder, folder, file))
        .filter((path) => !existsSync(join(root, path))),
    );
    assert.deepEqual(missing, []);
  });

  it('imports in the server go down, and through the door', () => {
    const wrong = relativeImports
      .filter(({ from }) => from.startsWith(serverFolder))
      .filter(({ from, target }) => {
        const [here, there] = [floorOf(from), floorOf(target)];
        // A test of the whole program, beside app.ts or above it, may import any file.
        if (here === there || (here >= joined && from.endsWith('.test.ts'))) return false;
        if (there === joined) return here < joined;
        // Test support needs the lowest floors itself, whose tests need it in turn.
        const isForTests = from.endsWith('.test.ts') || isSupport({ path: from });
        if (isForTests && target === `${serverFolder}testing/index.ts`) return false;
        return there > here || inServer(target) !== `${floors[there] ?? roof}/index.ts`;
      });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  it('imports inside a domain go down', () => {
    const roomOf = (path: string): number =>
      rooms.indexOf(inServer(path).split('/')[1]?.replace('.ts', '') ?? '');
    const domainOf = (path: string): string | undefined => inServer(path).split('/')[0];
    const domains = floors.slice(floors.indexOf('http') + 1);
    const wrong = relativeImports
      .filter(({ from }) => from.startsWith(serverFolder) && domains.includes(domainOf(from) ?? ''))
      .filter(({ from, target }) => domainOf(from) === domainOf(target))
      .filter(({ from }) => !from.endsWith('.test.ts') && !/\/testing(\.ts|\/)/.test(from))
      .filter(({ from, target }) => {
        const [here, there] = [roomOf(from), roomOf(target)];
        return target === `${serverFolder}${domainOf(target)}/index.ts` || (here >= 0 && there > here);
      });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  it('imports in the worker go down, and through the door', () => {
    const home = 'packages/worker/src/';
    const inWorker = (path: string): string => path.slice(home.length);
    const storeyOf = (path: string): number => {
      const [folder = '', file] = inWorker(path).split('/');
      if (file !== undefined) return workerFloors.indexOf(folder);
      return workerGround.includes(folder) ? -1 : workerFloors.length;
    };
    const own = relativeImports.filter(
      ({ from }) => from.startsWith(home) && !from.endsWith('.test.ts') && !/\/testing(\.ts|\/)/.test(from),
    );
    const wrong = own.filter(({ from, target }) => {
      const [here, there] = [storeyOf(from), storeyOf(target)];
      if (here === there || !inWorker(target).includes('/')) return there > here;
      return there > here || inWorker(target) !== `${workerFloors[there]}/index.ts`;
    });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
    const folders = readdirSync(join(root, home), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    assert.deepEqual(
      folders.map(({ name }) => name).filter((name) => name !== 'testing' && !workerFloors.includes(name)),
      [],
    );
  });

  it('the code keeps its measures: short functions, doors without unused names, one kind of verbs', () => {
    const over = withSources(programFiles(root), measuresOf).filter(isOver);
    assert.deepEqual(over.length > 0 ? report(over) : [], []);
  });

  it('only tests import test support', () => {
    const wrong = relativeImports.filter(
      ({ from, target }) =>
        target.startsWith(`${serverFolder}testing/`) &&
        !from.endsWith('.test.ts') &&
        !from.startsWith(`${serverFolder}testing/`) &&
        !/\/testing(\.ts|\/)/.test(from),
    );
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  it('imports name the source file, and none leaves its package', () => {
    const wrong = relativeImports.filter(({ from, target, to }) => {
      const home = from.match(/^packages\/[^/]+\//)?.[0] ?? 'test/';
      return !/\.(tsx?|json|css)$/.test(to) || !target.startsWith(home);
    });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  it('every dependency is declared by the package that uses it', () => {
    const declared = (path: string, field: string): string[] =>
      Object.keys(
        (JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, object>)[field] ?? {},
      );
    const forTests = declared('package.json', 'devDependencies');
    const nameOf = (to: string) => to.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? to;
    const wrong = code
      .filter(({ path }) => path.startsWith('packages/'))
      .flatMap((source) => {
        const [home = ''] = source.path.match(/^packages\/[^/]+/) ?? [];
        const own = JSON.parse(readFileSync(join(root, home, 'package.json'), 'utf8')) as { name: string };
        const allowed = [
          own.name,
          ...declared(`${home}/package.json`, 'dependencies'),
          ...(isTest(source) || isSupport(source) ? forTests : []),
          // Pages are shipped as what a build makes of them and their libraries.
          ...(home === 'packages/ui' ? declared(`${home}/package.json`, 'devDependencies') : []),
        ];
        return importsOf(source)
          .filter((to) => !to.startsWith('.') && !to.startsWith('node:') && !allowed.includes(nameOf(to)))
          .map((to) => `${source.path} imports ${to}`);
      });
    assert.deepEqual(wrong, []);
  });

  it('SQL stands in store.ts, or in the folder of that name', () => {
    const statement = /\b(tx|db|sql)(<[^`;]*>)?`/;
    const wrong = server
      .filter((source) => !isTest(source) && !/^(base|testing)\//.test(inServer(source.path)))
      .filter(({ path }) => !/\/store(\.ts|\/)/.test(path))
      .filter(({ text }) => statement.test(text));
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('no statement deletes by `using unnest`: plans for that may compare all of a table with all of a list', () => {
    // How a statement takes a list instead is in docs/contributing/domain.md; the test of plans holds all of them to it.
    const wrong = server.filter(({ text }) => /\busing\s+unnest\b/.test(text));
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    );
  });

  it('transactions are opened in base, which knows when one may be repeated', () => {
    const own = server.filter(
      (source) => !isTest(source) && !isSupport(source) && !inServer(source.path).startsWith('base/'),
    );
    assert.deepEqual(linesWith(own, /\.transaction\b/), []);
  });

  it('time and chance come from base/clock.ts', () => {
    const own = server.filter((source) => !isTest(source) && inServer(source.path) !== 'base/clock.ts');
    // How long a socket may be silent is the socket's own business.
    const pattern = /\bDate\.now\(|\bnew Date\(\)|(?<!socket\.)\bset(Timeout|Interval)\(|\bMath\.random\(/;
    assert.deepEqual(linesWith(own, pattern), []);
  });

  it('tests wait only through patience, and none measures time', () => {
    const own = code
      .filter((source) => isTest(source) || isSupport(source))
      .filter(({ path }) => !path.startsWith('test/patience/'));
    const found = impatientLines(own);
    assert.deepEqual(
      found.filter((line) => !line.includes('const context = await browser.newContext(options);')),
      [],
    );
    const timers = own.filter((source) => importsOf(source).some((to) => /^(node:)?timers\b/.test(to)));
    assert.deepEqual(
      timers.map(({ path }) => path),
      [],
    );
  });

  it('a wait of a test’s own would be found, and one in a script of its payload would not', () => {
    const found = (text: string): boolean => impatientLines([{ path: 'x.test.ts', text }]).length > 0;
    for (const text of [
      'await new Promise((resolve) => setTimeout(resolve, 20));',
      'const text = `a $'.concat('{await new Promise((go) => setTimeout(go, 20))}`;'),
      "import { setTimeout as sleep } from 'node:timers/promises';",
      'const wait = promisify(setTimeout);',
      'while (!(await isSo())) await sleep(20);',
      "it('ends', { timeout: 120_000 }, async () => {});",
      'const timeout = 120_000;',
      'const limits = { timeout };',
      'page.setDefaultTimeout(60_000);',
      'assert.ok(performance.now() - started < 1500);',
      'const end = Date.now() + 60_000;',
      'if (Date.now() > end) throw new Error();',
      'assert.ok(Date.now() - before < 1500);',
      'while (!isSo) await new Promise((resolve) => setImmediate(resolve));',
      'const context = await browser.newContext({ baseURL });',
      'const response = await route.fetch();',
    ])
      assert.ok(found(text), text);
    for (const text of [
      '// setTimeout(wait, 20)',
      'sh(`node -e "setTimeout(() => {}, 1000)"`);',
      "const script = 'until [ -e go ]; do sleep 0.05; done; sleep(1)';",
      String.raw`assert.match(log, /["'].*setTimeout\(/);`,
      'const expires = new Date(Date.now() + 3_600_000);',
      'page.setDefaultTimeout(patienceMs);',
      'queue.use({ timeoutMs: 20 });',
      'clock.sleep(seconds(10));',
    ])
      assert.ok(!found(text), text);
  });

  it('the environment is read in config.ts only', () => {
    const others = program.filter(
      ({ path }) => !/\/(config\.ts|program-environment\.ts|testing\/)/.test(path),
    );
    assert.deepEqual(linesWith(others, /\bprocess\.env\b/), []);
  });

  it('no file is longer than 400 lines', () => {
    const long = program.filter(({ text }) => text.split('\n').length > 401);
    assert.deepEqual(
      long.map(({ path, text }) => `${path}: ${text.split('\n').length - 1}`),
      [],
    );
  });

  it('nothing is exported by default, switched off, or left to do', () => {
    assert.deepEqual(linesWith(code, /^export default\b/), []);
    assert.deepEqual(
      linesWith(code, /\b(it|test|describe)\.(skip|only|todo)\b|@ts-(ignore|expect-error)/),
      [],
    );
    const marks = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X'].join(''));
    assert.deepEqual(linesWith(code, new RegExp(`\\b(${marks.source})\\b`)), []);
  });

  it('migrations are numbered without a gap', () => {
    const files = readdirSync(join(root, 'packages/server/migrations')).sort();
    assert.deepEqual(
      files.map((file) => file.slice(0, 5)),
      files.map((_, i) => `${String(i + 1).padStart(4, '0')}_`),
    );
    assert.deepEqual(
      files.filter((file) => !/^\d{4}_[a-z_]+\.sql$/.test(file)),
      [],
    );
  });

  it('the page that follows one request names files that exist', () => {
    const page = readFileSync(join(root, 'docs/concepts/one-request.md'), 'utf8');
    const named = [...page.matchAll(/`([a-z-]+(?:\/[a-z-]+)*\.ts)`/g)].map(([, path]) => path as string);
    assert.ok(named.length > 20, `${named.length} files are named`);
    assert.deepEqual(
      named.filter((path) => !existsSync(join(root, serverFolder, path))),
      [],
    );
  });

  it('no file names a place that is on one machine only', () => {
    const files = read('.', /\.(tsx?|mjs|js|json|md|ya?ml|sql|sh|css|html)$|(^|\/)\.ci\/run$/).filter(
      ({ path }) => path !== 'package-lock.json',
    );
    assert.deepEqual(linesWith(files, /(^|[\s'"`(=:])\/(work|root|home|Users)\/\w/), []);
  });
});
