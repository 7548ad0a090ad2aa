import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { readConfig } from '@taskyard/server';
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

describe('the layout of an installation', () => {
  it('has a user and a folder that systemd makes, and secrets that only root can read', {
    skip:
      (!existsSync('/usr/bin/systemd-sysusers') || !existsSync('/usr/bin/systemd-tmpfiles')) &&
      'there is no systemd',
  }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'taskyard-layout-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'etc/taskyard'), { recursive: true });
    for (const name of ['taskyard.yml', 'taskyard.env'])
      await writeFile(join(folder, 'etc/taskyard', name), read('etc', name), { mode: 0o644 });
    const users = join(packaging, 'systemd/taskyard.sysusers.conf');
    await run('systemd-sysusers', [`--root=${folder}`, users]);
    const [, uid = ''] =
      /^taskyard:x:(\d+):\d+:Taskyard:\/nonexistent:\/usr\/sbin\/nologin$/m.exec(
        readFileSync(join(folder, 'etc/passwd'), 'utf8'),
      ) ?? [];
    assert.ok(Number(uid) > 0 && Number(uid) < 1000, uid);
    const folders = join(packaging, 'systemd/taskyard.tmpfiles.conf');
    await run('systemd-tmpfiles', ['--create', `--root=${folder}`, folders]);
    const modeOf = async (name: string) => (await stat(join(folder, 'etc/taskyard', name))).mode & 0o777;
    assert.deepEqual(
      await Promise.all(['.', 'taskyard.yml', 'taskyard.env'].map(modeOf)),
      [0o755, 0o644, 0o600],
    );
    for (const name of units) assert.match(read('systemd', name), /^User=taskyard$/m);
  });

  it('has a configuration that the program reads, with the secrets that it wants', async () => {
    const secrets = Object.fromEntries(
      [...read('etc', 'taskyard.env').matchAll(/^([A-Z_]+)='(.*)'$/gm)].map(([, name = '', value]) => [
        name,
        value,
      ]),
    );
    assert.deepEqual(Object.keys(secrets), ['DATABASE_URL', 'AMQP_URL', 'ENCRYPTION_KEYS']);
    const file = join(packaging, 'etc/taskyard.yml');
    // A key that everybody knows would be worse than none.
    assert.throws(() => readConfig({ env: secrets, file }), /ENCRYPTION_KEYS/);
    const key = `one:${randomBytes(32).toString('base64')}`;
    const config = readConfig({ env: { ...secrets, ENCRYPTION_KEYS: key }, file });
    assert.equal(config.rootUrl, 'https://tasks.example.com');
    assert.equal(config.databaseUrl, secrets.DATABASE_URL);
  });
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
