import { linesOf, storedUrl, textAt } from '../../artifacts/index.ts';
import { bindQueries, RequestError, type Sql, type Work } from '../../base/index.ts';
import { type Caller, Reply } from '../../http/index.ts';
import type { Context } from '../context.ts';
import { groupProfile } from '../profiles/group-profile.ts';
import { LogProfile } from '../profiles/log-profile.ts';
import * as store from '../store/index.ts';
import { noGroup } from './groups.ts';
import { parsedRuns } from './runs.ts';

const [tasksMax, tasksPerRead] = [20_000, 1000];
/** A whole profile is made in memory; the original takes 200 MB. */
const logCharactersMax = 32 * 2 ** 20;
const logNames = ['public/logs/live.log', 'public/logs/live_backing.log'];
const unresolved = ['unscheduled', 'pending', 'running'];

/** Nobody is asked for scopes by these methods, so everybody has to hold what the other way to the same facts asks for. */
const require = (caller: Caller, scopes: readonly string[]): void => {
  if (caller.satisfies({ AllOf: [...scopes] })) return;
  throw new RequestError(
    'InsufficientScopes',
    `Profiles show what everybody may read, and anonymous callers lack one of: ${scopes.join(', ')}`,
  );
};

/** What does not change any more may be kept by browsers for a day. */
const shown = (profile: object, isOver: boolean): Reply =>
  new Reply(200, profile, { 'cache-control': isOver ? 'public, max-age=86400' : 'no-cache' });

export interface GroupAsked {
  readonly taskGroupId: string;
  readonly caller: Caller;
}

const readGroupProfile = async (
  sql: Sql,
  { taskGroupId, caller }: GroupAsked,
  { now, context }: Work<Context>,
): Promise<Reply> => {
  require(caller, [`queue:list-task-group:${taskGroupId}`]);
  const group = await store.readGroup(sql, taskGroupId);
  if (!group) throw noGroup(taskGroupId);
  const rows: store.ProfileRow[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const read = await store.readProfileRows(sql, taskGroupId, { after, limit: tasksPerRead });
    rows.push(...read);
    if (rows.length > tasksMax)
      throw new RequestError('InputTooLarge', `The group has more than ${tasksMax} tasks.`);
    after = read.length === tasksPerRead ? read.at(-1)?.taskId : undefined;
  }
  const tasks = rows.map((row) => ({ ...row, runs: parsedRuns(row.runs) }));
  const isOver = rows.every(({ state }) => !unresolved.includes(state));
  return shown(groupProfile({ ...group, tasks, now, rootUrl: context.rootUrl() }), isOver);
};

export interface TaskAsked {
  readonly taskId: string;
  readonly caller: Caller;
}

const readLogProfile = async (
  sql: Sql,
  { taskId, caller }: TaskAsked,
  { context }: Work<Context>,
): Promise<Reply> => {
  require(caller, [`queue:get-task:${taskId}`, `queue:status:${taskId}`]);
  const task = await store.readLoggedTask(sql, taskId);
  if (!task) throw new RequestError('ResourceNotFound', `Task ${taskId} does not exist.`);
  const url = await logUrl(context, { taskId, caller });
  if (url === undefined)
    throw new RequestError(
      'ResourceNotFound',
      `Task ${taskId} has no log that is stored and has not expired.`,
    );
  const profile = new LogProfile();
  let characters = 0;
  let isWhole = true;
  const onCut = () => {
    isWhole = false;
  };
  for await (const line of linesOf(
    textAt(url, { bytesMax: 2 * logCharactersMax, log: context.log, onCut }),
  )) {
    characters += line.length + 1;
    if (characters > logCharactersMax)
      throw new RequestError('InputTooLarge', 'The log is longer than 32 MiB.');
    profile.add(line);
  }
  const isOver = isWhole && !unresolved.includes(task.state);
  return shown(profile.result({ ...task, rootUrl: context.rootUrl() }), isOver);
};

const logUrl = async ({ artifacts }: Context, { taskId, caller }: TaskAsked): Promise<string | undefined> => {
  const authorize = ({ names }: Readonly<Record<string, unknown>>) =>
    require(caller, (names as string[]).map((name) => `queue:get-artifact:${name}`));
  for (const name of logNames) {
    const reply = await artifacts
      .getArtifact({ taskId, runId: 'latest', name, authorize })
      .catch((error: unknown) => {
        if (error instanceof RequestError && error.code !== 'InsufficientScopes') return undefined;
        throw error;
      });
    const url = reply && storedUrl(reply);
    if (url !== undefined) return url;
  }
  return undefined;
};

/** How many callers may wait for a profile: that of a log may take half a minute to read. */
const waitingMax = 8;

/** Makes profiles of one kind one after another, since each takes much memory, and everybody may ask for them. */
const oneAfterAnother = <Asked>(make: (asked: Asked) => Promise<Reply>) => {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (asked: Asked): Promise<Reply> => {
    if (waiting >= waitingMax)
      throw new RequestError(
        'TooManyRequests',
        'Other profiles are being made, one after the other: try again in a minute.',
      );
    waiting += 1;
    const mine = last.then(() => make(asked)).finally(() => (waiting -= 1));
    last = mine.catch(() => {});
    return mine;
  };
};

/** Profiles for the Firefox Profiler. */
export const profileQueries = (context: Context) => {
  const bound = bindQueries(context, { readGroupProfile, readLogProfile });
  return {
    taskGroupProfile: oneAfterAnother(bound.readGroupProfile),
    taskProfile: oneAfterAnother(bound.readLogProfile),
  };
};
