import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, within } from '@taskyard/patience';
import { systemClock } from '../../base/index.ts';
import { type TestDatabase, testDatabase } from '../../testing/index.ts';
import { outbox } from '../index.ts';

const program = fileURLToPath(new URL('../testing/consumer-process.js', import.meta.url));
const tasks = ['a', 'b', 'c', 'd'];
/** More than two pages of 500. */
const rounds = 300;

let test: TestDatabase;
const children: ChildProcess[] = [];
before(async () => {
  test = await testDatabase();
  await test.db`create table handled (place int generated always as identity, key text)`;
  await test.db`create table seen (place int generated always as identity, process int, key text)`;
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await test.drop();
});

/** A process that reports when it is ready, and perhaps one thing more. */
const startConsumer = async (...options: string[]) => {
  const child = fork(program, [test.url, ...options]);
  children.push(child);
  const said: unknown[] = [];
  child.on('message', (message) => said.push(message));
  await eventually('a consumer to start', () => said.includes('started'));
  return { child, said, pid: child.pid };
};

const publishAll = async (): Promise<void> => {
  for (let round = 1; round <= rounds; round++) {
    const messages = tasks.map((task) => ({
      exchange: 'exchange/a',
      routingKey: `${task}.${round}`,
      routes: [],
      body: {},
    }));
    await test.db.transaction((tx) => outbox.append(tx, messages, systemClock.now()));
  }
};

const isOrdered = (keys: readonly string[], task: string): boolean => {
  const numbers = keys.filter((key) => key.startsWith(`${task}.`)).map((key) => Number(key.slice(2)));
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number));
};

const keysSeenBy = async (pid: number | undefined): Promise<string[]> => {
  const rows = await test.db<{ key: string }>`select key from seen where process = ${pid} order by place`;
  return rows.map(({ key }) => key);
};

it('each message is handled, in order for each task, when a consumer is killed in the middle of a page', async () => {
  const victim = await startConsumer('600');
  await publishAll();
  await eventually('a consumer to be in the middle of a page', () =>
    victim.said.includes('in the middle of a page'),
  );
  const other = await startConsumer();
  assert.deepEqual(await keysSeenBy(other.pid), [], 'the page of one is nobody else’s');

  victim.child.kill('SIGKILL');
  await within('the end of a consumer', once(victim.child, 'exit'));
  const handled = async (): Promise<string[]> => {
    const rows = await test.db<{ key: string }>`select key from handled order by place`;
    return rows.map(({ key }) => key);
  };
  await eventually('all messages to be handled', handled, ({ length }) => length >= tasks.length * rounds);

  const [byVictim, byOther] = [await keysSeenBy(victim.pid), await keysSeenBy(other.pid)];
  const all = await handled();
  for (const task of tasks) {
    const expected = Array.from({ length: rounds }, (_, i) => `${task}.${i + 1}`);
    // In the database each message is handled once; outside of it, at least once.
    assert.deepEqual(
      all.filter((key) => key.startsWith(`${task}.`)),
      expected,
    );
    assert.deepEqual(
      expected.filter((key) => !byVictim.includes(key) && !byOther.includes(key)),
      [],
    );
    assert.ok(isOrdered(byVictim, task) && isOrdered(byOther, task), `the order for ${task}`);
  }
  const twice = byVictim.filter((key) => byOther.includes(key));
  assert.ok(twice.length > 0, 'what the killed one had seen of its last page comes again');
  assert.equal(twice.length, byVictim.length + byOther.length - all.length);
});
