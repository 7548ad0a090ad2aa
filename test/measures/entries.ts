import { readdirSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Node } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import { type File, type Source, visit, withSources } from './sources.ts';

/** How often functions of a folder were called from outside of it, by name. */
export type Entries = Readonly<Record<string, number>>;

declare global {
  /** Called at the beginning of every function that is counted. */
  var functionEntered: ((name: string) => void) | undefined;
}

const nameOf = (node: Node): string => {
  const { parent } = node;
  if ('name' in node && node.name) return (node.name as Node).getText();
  if (is.isVariableDeclaration(parent) || is.isPropertyAssignment(parent)) return parent.name.getText();
  return 'a callback';
};

/** The text of a script, each of whose functions tells that it was entered. */
export const instrumented = ({ text, tree }: Source): string => {
  const insertions: { at: number; text: string }[] = [];
  visit(tree, (node) => {
    if (!is.isFunctionLikeDeclaration(node)) return;
    const { body } = node as { body?: Node };
    if (!body) return;
    const call = `globalThis.functionEntered?.(${JSON.stringify(nameOf(node))})`;
    if (is.isBlock(body)) insertions.push({ at: body.getStart() + 1, text: `${call};` });
    else insertions.push({ at: body.getStart(), text: `(${call}, ` }, { at: body.end, text: ')' });
  });
  // From the end, so that positions before stay right. What closes at a place comes before what opens there.
  return insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .sort((a, b) => b.at - a.at || b.order - a.order)
    .reduce((result, { at, text: inserted }) => result.slice(0, at) + inserted + result.slice(at), text);
};

/** The script that called the function whose stack this is: the first one that is a file, below the function itself. */
const callerIn = (stack: string): string =>
  stack
    .split('\n')
    // The first lines are the error, the function that counts and the one that is counted.
    .slice(3)
    .map((line) => /(file:\/\/[^)\s]+?):\d+:\d+\)?$/.exec(line)?.[1])
    .find((url) => url !== undefined) ?? '';

/** Makes the scripts of a folder tell when they are entered. To be called before any of them is imported. */
const instrument = (root: string, folder: string): void => {
  const scripts: File[] = readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.js'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') }));
  const sources = withSources(scripts, (parsed) =>
    parsed.map((source) => [pathToFileURL(join(root, source.path)).href, instrumented(source)] as const),
  );
  register('./instrumented-scripts.js', import.meta.url, { data: Object.fromEntries(sources) });
};

const countDuring = async (folderUrl: string, act: () => Promise<unknown>): Promise<Entries> => {
  const counts: Record<string, number> = {};
  globalThis.functionEntered = (name) => {
    const caller = callerIn(new Error().stack ?? '');
    if (!caller.startsWith(folderUrl)) counts[name] = (counts[name] ?? 0) + 1;
  };
  try {
    await act();
  } finally {
    globalThis.functionEntered = undefined;
  }
  return counts;
};

interface QueueTesting {
  testQueue(): Promise<{
    readonly clock: { now(): Date };
    readonly queue: Record<
      'createTasks' | 'claimRuns' | 'resolveRuns',
      { one(item: object): Promise<unknown> }
    >;
    close(): Promise<void>;
  }>;
  aTask(now: Date, fields: object): object;
  anybody(): void;
}

/**
 * How often the code that changes tasks is entered from outside while one `reportCompleted` completes a task with one
 * dependent. The queue runs for that, on a PostgreSQL.
 */
export const entriesOfReportCompleted = async (
  root: string,
  ids: readonly [string, string],
): Promise<Entries> => {
  const queueFolder = 'packages/server/dist/queue';
  const folder = `${queueFolder}/changes`;
  instrument(root, folder);
  const url = (path: string): string => pathToFileURL(join(root, path)).href;
  const { testQueue, aTask, anybody } = (await import(url(`${queueFolder}/testing.js`))) as QueueTesting;
  const { queue, clock, close } = await testQueue();
  try {
    const [taskId, dependent] = ids;
    const create = (id: string, dependencies: readonly string[]) =>
      queue.createTasks.one({
        taskId: id,
        request: aTask(clock.now(), { dependencies }),
        authorize: anybody,
      });
    await create(taskId, []);
    await create(dependent, [taskId]);
    const worker = { workerGroup: 'measures', workerId: 'one' };
    await queue.claimRuns.one({ taskId, runId: 0, worker, authorize: anybody });
    return await countDuring(url(`${folder}/`), () =>
      queue.resolveRuns.one({ taskId, runId: 0, end: 'completed' }),
    );
  } finally {
    await close();
  }
};
