import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import type { Engine } from '../engines/index.ts';
import type { FakeQueue } from './fake-queue.ts';
import type { FakeRun } from './fake-tasks.ts';

/** A payload, and its expected outcome on a worker with any engine. */
export interface PayloadCase {
  /** A fact that it shows. */
  readonly name: string;
  readonly payload: Record<string, unknown>;
  readonly task?: Record<string, unknown>;
  readonly expected: Expectation;
  /** Engines that cannot do it, with the reason. */
  readonly not?: Readonly<Partial<Record<Engine['name'], string>>>;
}

export interface Expectation {
  readonly state: FakeRun['state'];
  readonly reason?: string;
  readonly log?: RegExp;
  readonly notInLog?: RegExp;
  /** The content of artifacts, or their metadata. Null: there is no such artifact. */
  readonly artifacts?: Readonly<Record<string, RegExp | Readonly<Record<string, string>> | null>>;
}

export const completed: Expectation = { state: 'completed' };
export const failed: Expectation = { state: 'failed' };
export const malformed = (log: RegExp): Expectation => ({
  state: 'exception',
  reason: 'malformed-payload',
  log,
});

/** A payload of the generic-worker format that runs a script. */
export const script = (text: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  command: [['/bin/sh', '-c', text]],
  maxRunTime: 300,
  ...more,
});

const contentOf = ({
  bytes = Buffer.alloc(0),
  headers = {},
}: NonNullable<ReturnType<FakeRun['artifacts']['get']>>) =>
  (headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();

const checkArtifacts = ({ artifacts }: FakeRun, expected: NonNullable<Expectation['artifacts']>): void => {
  for (const [name, wanted] of Object.entries(expected)) {
    const found = artifacts.get(name);
    if (wanted === null) {
      assert.equal(found, undefined, `${name} is there`);
      continue;
    }
    assert.ok(found, `${name} is not there, but ${[...artifacts.keys()].join(', ')}`);
    if (wanted instanceof RegExp) assert.match(contentOf(found), wanted);
    else {
      const told = { ...found, ...found.headers } as Record<string, unknown>;
      assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((key) => [key, told[key]])), wanted);
    }
  }
};

/** Runs a case, and compares its outcome. */
export const checkCase = async (queue: FakeQueue, one: PayloadCase): Promise<void> => {
  const taskId = queue.addTask(one.payload, one.task);
  const run = await queue.resolved(taskId);
  const hasLog = run.artifacts.has('public/logs/live_backing.log');
  const log = hasLog ? queue.logOf(run).replaceAll('\r\n', '\n') : '';
  const { state, reason, log: pattern, notInLog, artifacts = {} } = one.expected;
  assert.deepEqual([run.state, reason && run.reason], [state, reason], log);
  if (pattern) assert.match(log, pattern);
  if (notInLog) assert.doesNotMatch(log, notInLog);
  checkArtifacts(run, artifacts);
};
