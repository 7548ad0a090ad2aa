import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { exitCodes } from '../exit-codes.ts';
import { main } from '../main.ts';
import { memoryIo } from '../testing/memory-io.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-simulate-'));
});
after(() => rm(folder, { recursive: true }));

const pool = async (...args: string[]) => {
  const world = memoryIo();
  await main(['node', 'taskyard', 'pool', ...args], world.io);
  return world;
};
const file = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
const config = () =>
  file(
    'pool.yml',
    `config:
  minCapacity: 0
  maxCapacity: 100
  provisioning: {scaleIn: {idleSeconds: 30}}
  launchConfigs: [{workerManager: {launchConfigId: lc}}]
`,
  );

it('compares a pool with the original’s provisioning, as a table, a diagram and JSON', async () => {
  const made = await pool('trace', '--kind', 'steady', '--tasks', '200', '--days', '1');
  const trace = await file('trace.csv', made.out());
  const svg = join(folder, 'out.svg');
  const options = ['simulate', '--trace', trace, '--config', await config(), '--svg', svg];
  const table = (await pool(...options)).out();
  assert.match(table, /^ +original +ours$/m);
  assert.match(table, /^pending time, p95 +\d+ s +\d+ s$/m);
  assert.match(await readFile(svg, 'utf8'), /^<svg /);
  const { original, ours } = JSON.parse((await pool(...options, '--json')).out()) as {
    original: { idleUsd: number; runs: number };
    ours: { idleUsd: number; runs: number };
  };
  assert.equal(original.runs, ours.runs);
  assert.ok(ours.idleUsd < original.idleUsd);
});

it('creates the same trace and market for the same seed', async () => {
  const market = join(folder, 'market.csv');
  const make = async () => {
    const world = await pool('trace', '--kind', 'spot-market', '--days', '1', '--market', market);
    return [world.out(), await readFile(market, 'utf8')];
  };
  const first = await make();
  assert.match(first[1] ?? '', /^at_seconds,launch_config_id,/);
  assert.deepEqual(await make(), first);
});

it('reports mistakes in a file', async () => {
  const trace = await file('wrong.csv', 'at_seconds,duration_seconds\n1,x\n');
  const world = await pool('simulate', '--trace', trace, '--config', await config());
  assert.equal(world.exitCode(), exitCodes.usage);
  assert.match(world.err(), /Line 2: "x" is not a number/);
  const absent = await pool('simulate', '--trace', join(folder, 'absent'), '--config', await config());
  assert.equal(absent.exitCode(), exitCodes.usage);
});

it('trace-clocks: a replay in which tasks never end is no success', async () => {
  const none = await file(
    'none.yml',
    'config: {minCapacity: 0, maxCapacity: 0, launchConfigs: [{workerManager: {launchConfigId: lc}}]}\n',
  );
  const trace = await file('few.csv', '\ufeffat_ms,duration_seconds\r\n1764500000000,5\r\n');
  const good = await pool('simulate', '--trace', trace, '--config', await config());
  assert.equal(good.err(), '');
  assert.equal(good.exitCode(), undefined);
  const world = await pool('simulate', '--trace', trace, '--config', none);
  assert.equal(world.exitCode(), exitCodes.failed);
  assert.match(
    world.err(),
    /Of 1 tasks only these ran to their end: 0 as provisioned by original, 0 .* ours/,
  );
});
