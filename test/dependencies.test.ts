import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './support/platform.ts';

const { satisfies, minVersion } = createRequire(import.meta.url)('semver') as {
  satisfies(version: string, range: string): boolean;
  minVersion(range: string): { readonly version: string };
};

interface Lock {
  readonly packages: Readonly<Record<string, { readonly engines?: { readonly node?: string } }>>;
}

test('no package that is installed asks for a newer Node than the README names: npm ci warns of none', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const oldest = minVersion(packages['']?.engines?.node ?? '').version;
  assert.match(
    readFileSync(join(root, 'README.md'), 'utf8'),
    new RegExp(`Node ${oldest.replace(/\.0$/, '')} or`),
  );
  const refused = Object.entries(packages).filter(
    ([, { engines }]) => engines?.node !== undefined && !satisfies(oldest, engines.node),
  );
  assert.deepEqual(
    refused.map(([path, { engines }]) => `${path} wants ${engines?.node}`),
    [],
  );
});

test('what is compiled takes TypeBox from one file, not from the 700 that it comes in', () => {
  const compiled = ['server', 'worker'].flatMap((name) => {
    const folder = join(root, 'packages', name, 'dist');
    assert.ok(existsSync(join(folder, 'typebox.js')));
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.js') && !path.startsWith('typebox'))
      .map((path) => join(folder, path));
  });
  const texts = compiled.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  assert.ok(texts.some(({ text }) => text.includes("from '#typebox'")));
  assert.deepEqual(
    texts.filter(({ text }) => /from 'typebox/.test(text)).map(({ path }) => path),
    [],
  );
});
