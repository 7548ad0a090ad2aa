import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Ended, runProgram } from './support/command.ts';
import { root } from './support/platform.ts';

const script = join(root, 'scripts/check-packages.mjs');
const ours = { name: 'example', dependencies: { plain: '1.0.0', native: '2.0.0' } };
const plain = { version: '1.0.0' };
const native = { version: '2.0.0', hasInstallScript: true };

/** Checks a project with these packages. */
const check = async (
  t: TestContext,
  packages: object,
  allowScripts: Readonly<Record<string, boolean>>,
): Promise<Ended> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-packages-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...ours, allowScripts }));
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  return runProgram(process.execPath, [script, folder]);
};

test('packages are listed with their versions, and those that run a script when they are installed', async (t) => {
  const packages = { '': ours, 'node_modules/native': native, 'node_modules/plain': plain };
  const { out, err, code } = await check(t, packages, { native: true });
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^direct dependencies \(2\): native@2\.0\.0 plain@1\.0\.0$/m);
  assert.match(out, /^install scripts that are allowed \(1\): native@2\.0\.0$/m);
});

test('an unreviewed install script is refused, at any depth', async (t) => {
  const hidden = { version: '0.1.0', hasInstallScript: true };
  const packages = {
    '': ours,
    'node_modules/native': native,
    'node_modules/plain': plain,
    'node_modules/plain/node_modules/@deep/hidden': hidden,
  };
  const unknown = await check(t, packages, { native: false });
  assert.equal(unknown.code, 1);
  assert.equal(unknown.err.trim().split('\n').length, 1);
  assert.match(unknown.err, /^@deep\/hidden@0\.1\.0 has an install script/);
  assert.equal((await check(t, packages, { native: false, '@deep/hidden': false })).code, 0);
});

test('names that allow nothing and versions that are not pinned are refused', async (t) => {
  const loose = { ...ours, dependencies: { plain: '^1.0.0' } };
  const { err, code } = await check(t, { '': loose, 'node_modules/plain': plain }, { gone: true });
  assert.equal(code, 1);
  assert.match(err, /knows gone, which has no install script/);
  assert.match(err, /plain is asked for as \^1\.0\.0, and 1\.0\.0 is installed/);
});
