import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { readConfig } from '@taskyard/server';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { commandHere } from './support/command-here.ts';
import { root } from './support/platform.ts';

// Where helm is not installed, what it would read is examined without it: templates whose directives are taken out.

const run = promisify(execFile);
const chart = join(root, 'packaging/helm/taskyard');
const read = (...path: string[]): string => readFileSync(join(chart, ...path), 'utf8');
const templates = readdirSync(join(chart, 'templates'));
const texts = new Map(templates.map((name) => [name, read('templates', name)]));
const manifests = templates.filter((name) => name.endsWith('.yaml'));
type Tree = { readonly [name: string]: unknown };
const values = parse(read('values.yaml')) as Tree;

/** A template without its directives: lines of them are left out, others become a word. */
const plain = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !/^\s*\{\{.*\}\}\s*$/.test(line))
    .join('\n')
    .replaceAll(/\{\{.*?\}\}/g, 'x');

const at = (tree: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce((node, name) => (node as Tree | undefined)?.[name], tree);

const pathsOf = (tree: Tree, before = ''): string[] =>
  Object.entries(tree).flatMap(([name, value]) => {
    const path = `${before}${name}`;
    const isTree = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isTree ? [path, ...pathsOf(value as Tree, `${path}.`)] : [path];
  });

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly ports?: readonly { readonly name: string }[];
}

/** A Deployment must find its own pods, and everything that a container is told must mean something to the program. */
const assertDeployment = async (manifest: unknown): Promise<void> => {
  const selected = at(manifest, 'spec', 'selector', 'matchLabels', 'app.kubernetes.io/component');
  const labelled = at(manifest, 'spec', 'template', 'metadata', 'labels', 'app.kubernetes.io/component');
  assert.ok(typeof selected === 'string');
  assert.equal(labelled, selected);
  const container = at(manifest, 'spec', 'template', 'spec', 'containers', 0) as Container & Tree;
  const [command = '', ...words] = container.args;
  const { out } = await commandHere([command, '--help']);
  for (const option of words.filter((word) => word.startsWith('--')))
    assert.match(out, new RegExp(`^ +${option}\\b`, 'm'));
  const settings = readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8');
  for (const { name } of container.env ?? []) assert.ok(settings.includes(`| \`${name}\` |`), name);
  const ports = new Set(container.ports?.map(({ name }) => name));
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const port = at(container, probe, 'httpGet', 'port');
    assert.ok(port === undefined || ports.has(String(port)), `${probe} of ${selected}`);
  }
};

const hasHelm = (() => {
  try {
    execFileSync('helm', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('the Helm chart', () => {
  it('names values that there are, and leaves none unused', () => {
    const all = [...texts.values()].join('\n');
    const used = new Set([...all.matchAll(/\$?\.Values\.([A-Za-z.]+)/g)].map(([, path = '']) => path));
    const known = pathsOf(values);
    assert.deepEqual(
      [...used].filter((path) => !known.includes(path)),
      [],
    );
    const isUsed = (path: string): boolean =>
      [...used].some((each) => path === each || path.startsWith(`${each}.`) || each.startsWith(`${path}.`));
    assert.deepEqual(
      known.filter((path) => !isUsed(path)),
      [],
    );
  });

  for (const [name, text] of texts) {
    it(`${name} closes what it opens, names parts that there are, and indents what it puts in`, () => {
      const count = (pattern: RegExp): number => [...text.matchAll(pattern)].length;
      assert.equal(count(/\{\{-? (if|with|range|define) /g), count(/\{\{-? end -?\}\}/g));
      const parts = read('templates', '_helpers.tpl');
      for (const [, part = ''] of text.matchAll(/include "([^"]+)"/g))
        assert.ok(parts.includes(`define "${part}"`), part);
      for (const [line, indent = '', by = ''] of text.matchAll(/^( *)\{\{- .*\| nindent (\d+) \}\}$/gm))
        assert.equal(indent.length, Number(by), line);
    });
  }

  for (const name of manifests) {
    it(`${name} is a manifest of Kubernetes`, async () => {
      const manifest: unknown = parse(plain(texts.get(name) ?? ''));
      assert.match(String(at(manifest, 'apiVersion')), /^([a-z\d.]+\/)?v\d$/);
      assert.match(String(at(manifest, 'kind')), /^[A-Z]\w+$/);
      assert.match(String(at(manifest, 'metadata', 'name')), /^x(-[a-z]+)?$/);
      if (at(manifest, 'kind') === 'Deployment') await assertDeployment(manifest);
    });
  }

  it('has settings that the program reads', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'taskyard-chart-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'taskyard.yml');
    await writeFile(file, stringify(values.settings));
    assert.equal(readConfig({ file, env: {} }).trustProxy, true);
  });

  it('is rendered by helm to manifests, with all that may be left out', {
    skip: !hasHelm && 'helm is not installed',
  }, async () => {
    await run('helm', ['lint', '--strict', '--set', 'image.tag=one', chart]);
    const set =
      'image.tag=one,ingress.enabled=true,ingress.className=nginx,ingress.tlsSecretName=tls,migrate.enabled=true';
    const { stdout } = await run('helm', ['template', 'tasks', chart, '--set', set]);
    const rendered = parseAllDocuments(stdout).map((document) => document.toJS() as unknown);
    const kinds = rendered.map((manifest) => String(at(manifest, 'kind')));
    assert.equal(kinds.length, manifests.length);
    for (const manifest of rendered)
      if (at(manifest, 'kind') === 'Deployment') await assertDeployment(manifest);
  });
});
