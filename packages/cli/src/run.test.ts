import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { main } from './main.ts';
import { runCommand } from './run.ts';
import { type Behaviour, startFakeQueue } from './testing/fake-queue.ts';
import { memoryIo } from './testing/memory-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskyard-run-'));
after(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'graph.yml');
const command = { payload: { command: [['true']], maxRunTime: 60 } };
const needs = { build: [], test: ['build'], lint: [], report: ['test', 'lint'] };
const tasks = Object.fromEntries(
  Object.entries(needs).map(([label, needed]) => [label, { ...command, needs: needed }]),
);
writeFileSync(file, JSON.stringify({ version: 1, name: 'example', tasks }));

interface Course {
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  readonly args?: readonly string[];
  readonly isTTY?: boolean;
  /** Called for each piece of output, with what was written so far. */
  readonly onOutput?: (out: string, interrupt: () => void) => void;
}

const run = async ({ behaviours, args = [], isTTY = false, onOutput }: Course = {}) => {
  const queue = await startFakeQueue(behaviours);
  const world = memoryIo({ folder: join(folder, 'data') }, { isTTY });
  let isStopped = false;
  const platform = {
    rootUrl: queue.rootUrl,
    credentials: undefined,
    taskQueueId: 'local/built-in',
    stop: async () => {
      isStopped = true;
    },
  };
  const write = world.io.stdout.write.bind(world.io.stdout);
  world.io.stdout.write = ((text: string) => {
    const result = write(text);
    onOutput?.(world.out(), world.interrupt);
    return result;
  }) as typeof write;
  await runCommand(world.io, async () => platform)
    .exitOverride()
    .parseAsync([file, ...args], { from: 'user' })
    .finally(queue.close);
  return { ...world, out: world.out(), exitCode: world.exitCode(), isStopped, queue };
};

describe('taskyard run', () => {
  it('submits the graph in one request, shows its progress, and ends with 0', async () => {
    const { out, exitCode, isStopped, queue } = await run();
    assert.equal(exitCode, 0);
    assert.equal(isStopped, true);
    assert.equal(queue.calls.filter((call) => /^POST.*\/tasks$/.test(call)).length, 1);
    assert.match(out, /^example: 4 tasks, http:.*\/tasks\/groups\/[\w-]{22}\/tasks\n/);
    assert.match(out, /^ +\d+\.\ds {2}completed {2}build$/m);
    assert.ok(out.indexOf('completed  build') < out.indexOf('running    test'));
    const saved = join(folder, 'data/out/example/report/public/report.html');
    assert.ok(out.includes(`\nResults:\n`) && out.includes(`  ${saved}\n`), out);
    assert.ok(existsSync(saved));
    assert.match(out, /^Every task completed: 4 completed, in/m);
    assert.doesNotMatch(out, /live_backing|\u001b/);
  });

  it('ends with 1 when a task fails, shows why, and cancels the rest', async () => {
    const log = 'compiling\nsrc/a.ts(3,5): error TS2322: wrong type\ndone\n';
    const { out, exitCode, queue } = await run({ behaviours: { build: { ends: 'failed', log } } });
    assert.equal(exitCode, 1);
    assert.match(
      out,
      /✖ build {2}failed {2}http:.*\/tasks\/[\w-]{22}\n {2}log, from line 1:\n.* compiling\n.* src\/a.ts/,
    );
    assert.ok(queue.calls.some((call) => /task-group\/[\w-]{22}\/seal$/.test(call)));
    assert.ok([...queue.tasks.values()].every(({ status }) => status.state !== 'unscheduled'));
    assert.match(out, /^Not every task completed: /m);
  });

  it('saves results where it is told to, or nowhere, and lists them after the failures', async () => {
    const output = join(folder, 'elsewhere');
    const args = ['--keep-going', '--output', output];
    const { out } = await run({ behaviours: { build: { ends: 'failed' } }, args });
    assert.ok(existsSync(join(output, 'lint/public/report.html')));
    assert.ok(out.indexOf('✖ build') < out.indexOf('\nResults:\n'), out);
    const none = await run({ args: ['--no-output', '--data', join(folder, 'unused')] });
    assert.equal(none.exitCode, 0);
    assert.equal(existsSync(join(folder, 'unused/out')), false);
  });

  it('creates nothing with --show, which is for files of the original kind', async () => {
    await assert.rejects(run({ args: ['--show'] }), /git says|unknown key/);
  });

  it('continues with independent tasks when asked to', async () => {
    const { exitCode, queue } = await run({
      behaviours: { build: { ends: 'failed' } },
      args: ['--keep-going'],
    });
    assert.equal(exitCode, 1);
    const states = [...queue.tasks.values()].map(
      ({ task, status }) => `${task.metadata.name} ${status.state}`,
    );
    assert.deepEqual(states.sort(), ['build failed', 'lint completed', 'report exception', 'test exception']);
  });

  it('does not take a retried run for a failure', async () => {
    const { exitCode, out } = await run({ behaviours: { lint: { ends: 'completed after a retry' } } });
    assert.equal(exitCode, 0);
    assert.match(out, /pending {4}lint \(runs again\)/);
  });

  it('prints a JSON object for each event, and a summary at the end', async () => {
    const { out } = await run({
      args: ['--json'],
      behaviours: { lint: { ends: 'failed', log: 'Error: x\n' } },
    });
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(lines[0]?.type, 'group');
    const tasksTold = lines[0]?.tasks as unknown[] | undefined;
    assert.equal(tasksTold?.length, 4);
    assert.ok(
      lines.some(({ type, label, state }) => type === 'task' && label === 'lint' && state === 'failed'),
    );
    const summary = lines.at(-1) as {
      type: string;
      isComplete: boolean;
      failures: Record<string, unknown>[];
    };
    assert.equal(summary.type, 'summary');
    assert.equal(summary.isComplete, false);
    const failure = summary.failures.find(({ label }) => label === 'lint');
    const excerpt = failure?.excerpt as { lines: string[] } | undefined;
    assert.deepEqual(excerpt?.lines, ['Error: x']);
  });

  it('draws a table on a terminal', async () => {
    const { out, exitCode } = await run({ isTTY: true });
    assert.equal(exitCode, 0);
    assert.match(out, /4 of 4/);
    assert.match(out, /✔/);
  });

  it('cancels the graph at Ctrl-C, waits for its end, and ends with 130', async () => {
    let isPressed = false;
    const { exitCode, isStopped, queue } = await run({
      behaviours: { lint: { ends: 'hangs' } },
      onOutput: (out, interrupt) => {
        if (isPressed || !/completed {2}test/.test(out)) return;
        isPressed = true;
        interrupt();
      },
    });
    assert.equal(exitCode, 130);
    assert.equal(isStopped, true);
    const lint = [...queue.tasks.values()].find(({ task }) => task.metadata.name === 'lint');
    assert.equal(lint?.status.runs.at(-1)?.reasonResolved, 'canceled');
  });

  it('is killed by a second Ctrl-C', async () => {
    const world = memoryIo();
    const platform = new Promise<never>(() => {});
    void runCommand(world.io, () => platform).parseAsync([file], { from: 'user' });
    const exitCode = await eventually('the command to be killed', () => {
      try {
        world.interrupt();
      } catch {
        // It throws where the process would have ended.
      }
      return world.killedWith();
    });
    assert.equal(exitCode, 130);
  });

  it('reports mistakes in the file before it starts anything', async () => {
    const wrong = join(folder, 'wrong.yml');
    writeFileSync(
      wrong,
      JSON.stringify({ version: 1, name: 'x', tasks: { a: { ...command, needs: ['b'] } } }),
    );
    const world = memoryIo();
    await main(['node', 'taskyard', 'run', wrong], world.io);
    assert.equal(world.exitCode(), 2);
    assert.match(world.err(), /wrong\.yml:\d+:\d+: task "a"/);
  });
});
