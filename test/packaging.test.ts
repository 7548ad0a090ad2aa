import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { root } from './support/platform.ts';

const run = promisify(execFile);
const packaging = join(root, 'packaging');
const read = (...path: string[]): string => readFileSync(join(packaging, ...path), 'utf8');

const units = readdirSync(join(packaging, 'systemd')).filter((name) => name.endsWith('.service'));
/** The exposure of a unit, by systemd's own measure: 0 to 100. Without any of these settings it is above 90. */
const exposureMax = 20;

describe('the units of systemd', {
  skip: !existsSync('/usr/bin/systemd-analyze') && 'there is no systemd',
}, () => {
  for (const name of units) {
    it(`${name} is accepted, and leaves little open`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'taskyard-units-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      // The program that it starts need not be installed here.
      const program = join(folder, 'tyard');
      await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
      const unit = join(folder, name);
      await writeFile(unit, read('systemd', name).replaceAll('/usr/local/bin/tyard', program));
      const { stderr } = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', unit]);
      assert.equal(stderr, '');
      const security = ['security', '--offline=yes', `--threshold=${exposureMax}`, unit];
      await assert.doesNotReject(run('systemd-analyze', security));
    });

    it(`${name} calls a command that there is`, async () => {
      const [, words = ''] = /^ExecStart=\/usr\/local\/bin\/tyard (.*)$/m.exec(read('systemd', name)) ?? [];
      const options = words.match(/--[a-z-]+/g) ?? [];
      const cli = join(root, 'packages/cli/bin/taskyard.js');
      const { stdout } = await run(process.execPath, [cli, words.split(' ')[0] ?? '', '--help']);
      assert.ok(options.length > 0);
      for (const option of options) assert.match(stdout, new RegExp(`^ +${option}\\b`, 'm'));
    });
  }
});

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

describe('the alerts for Prometheus', () => {
  const text = read('prometheus', 'taskyard.rules.yml');
  const alerts = (parse(text) as Rules).groups.flatMap(({ rules }) => rules);

  it('use metrics that there are', () => {
    const page = readFileSync(join(root, 'docs/operating/metrics.md'), 'utf8');
    const known = new Set([...page.matchAll(/^\| `([a-z_]+)`/gm)].map(([, name]) => name ?? ''));
    const used = alerts.flatMap(({ expr }) => expr.match(/\b(taskyard|process)_[a-z_]+/g) ?? []);
    assert.ok(used.length > 10);
    for (const name of used)
      assert.ok(known.has(name.replace(/_(bucket|count|sum)$/, '')), `${name} is not in metrics.md`);
    for (const { alert } of alerts) assert.ok(page.includes(`\`${alert}\``), `${alert} is not in metrics.md`);
  });

  it('fire when they should, says promtool', {
    skip: !existsSync('/usr/bin/promtool') && 'promtool is not installed',
  }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'taskyard-rules-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'taskyard.rules.yml'), text);
    await writeFile(join(folder, 'test.yml'), read('prometheus', 'taskyard.rules.test.yml'));
    await run('promtool', ['check', 'rules', join(folder, 'taskyard.rules.yml')]);
    await run('promtool', ['test', 'rules', join(folder, 'test.yml')]);
  });
});
