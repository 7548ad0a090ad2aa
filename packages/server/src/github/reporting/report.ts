import { createHash } from 'node:crypto';
import { later, minutes, transact } from '../../base/index.ts';
import { GithubIsBusy, GithubRefusal } from '../api/index.ts';
import { requireApi } from '../configured.ts';
import type { Context } from '../context.ts';
import { getsCheck, nextAttempt } from '../lifecycle.ts';
import { isWithoutName } from '../names.ts';
import * as store from '../store/index.ts';
import { checkOfGroup, checkOfTask, statusOfGroup } from './compose.ts';
import { readGroupFacts, readTaskFacts } from './facts.ts';
import { sendCheck } from './send.ts';

// Longer than a line of reports takes: a process that ends meanwhile leaves them to the others.
const takenMs = minutes(15);

type Told = Pick<store.Reported, 'checkRunId' | 'reported'>;

/**
 * Tells GitHub how tasks and builds stand now, at most `limit` of those that have changed; returns how many. What is told
 * follows from how they stand, not from what happened on the way: so messages may come twice, late or in another order. Of
 * one installation one goes after the other, as GitHub wants it.
 */
export const reportDue = async (context: Context, limit: number): Promise<number> => {
  const taken = await transact(context, (tx, now) =>
    store.takeReports(tx, { now, until: later(now, takenMs), limit }),
  );
  if (taken.length === 0) return 0;
  const groupIds = [...new Set(taken.map(({ taskGroupId }) => taskGroupId))];
  const builds = new Map(
    (await store.readBuilds(context.db, groupIds)).map((build) => [build.taskGroupId, build]),
  );
  const counted = await store.countCheckRuns(context.db, groupIds);
  const checkRuns = new Map(counted.map((each) => [each.taskGroupId, each.checkRuns]));
  const lines = new Map<number, store.ReportRow[]>();
  for (const row of taken.toSorted((a, b) => turnOf(a) - turnOf(b))) {
    const installationId = builds.get(row.taskGroupId)?.installationId ?? 0;
    lines.set(installationId, [...(lines.get(installationId) ?? []), row]);
  }
  const known = { builds, checkRuns };
  const done = await Promise.all([...lines.values()].map((line) => reportInOrder(context, line, known)));
  await transact(context, (tx, now) => store.settleReports(tx, done.flat(), now));
  return taken.length;
};

/** A build that is not shown yet goes before its tasks, and then after them: no moment looks as if all were done. */
const turnOf = ({ kind, reported }: store.ReportRow): number =>
  kind === 'task' ? 1 : reported === null ? 0 : 2;

interface Known {
  readonly builds: ReadonlyMap<string, store.BuildRow>;
  /** How many there are already, by the groups. */
  readonly checkRuns: Map<string, number>;
}

const reportInOrder = async (
  context: Context,
  line: readonly store.ReportRow[],
  { builds, checkRuns }: Known,
): Promise<store.Reported[]> => {
  const began = context.clock.now();
  const done: store.Reported[] = [];
  let waitUntil: Date | undefined;
  for (const row of line) {
    const isLate = later(began, takenMs / 2) < context.clock.now();
    const build = builds.get(row.taskGroupId);
    const now = context.clock.now();
    const restsUntil = row.kind === 'group' ? context.pace.restOf(row.id, now) : undefined;
    if (waitUntil || isLate || restsUntil)
      done.push({ ...row, attempts: row.attempts - 1, dueAt: waitUntil ?? restsUntil ?? now });
    else if (!build) done.push({ ...row, attempts: 0, dueAt: null });
    else {
      const count = checkRuns.get(row.taskGroupId) ?? 0;
      const reported = await reportOne(context, row, { build, checkRuns: count });
      if (row.checkRunId === null && reported.checkRunId !== null) checkRuns.set(row.taskGroupId, count + 1);
      if (reported.mustWait) waitUntil = reported.dueAt ?? undefined;
      done.push(reported);
    }
  }
  return done;
};

interface About {
  readonly build: store.BuildRow;
  /** How many it has. */
  readonly checkRuns: number;
}

const reportOne = async (
  context: Context,
  row: store.ReportRow,
  about: About,
): Promise<store.Reported & { readonly mustWait?: boolean }> => {
  try {
    const told = await (row.kind === 'task' ? tellOfTask : tellOfGroup)(context, row, about);
    return { ...row, ...told, attempts: 0, dueAt: null };
  } catch (error) {
    return postponed(context, row, { error, build: about.build });
  }
};

const postponed = (
  { clock, log }: Context,
  row: store.ReportRow,
  { error, build }: { error: unknown; build: store.BuildRow },
): store.Reported & { readonly mustWait?: boolean } => {
  const { organization, repository } = build;
  const about = { organization, repository, kind: row.kind, id: row.id, attempts: row.attempts, err: error };
  const now = clock.now();
  if (error instanceof GithubIsBusy) {
    const dueAt = later(now, error.waitMs);
    // Never none: the check run may have been made, with some of its annotations, before GitHub asked for patience.
    return { ...row, attempts: Math.max(1, row.attempts - 1), dueAt, mustWait: true };
  }
  const isFinal = error instanceof GithubRefusal && error.status !== 401;
  const dueAt = isFinal ? undefined : nextAttempt(row.attempts, now);
  if (dueAt) log.info(about, 'GitHub could not be told of a state; it is tried again');
  else log.warn(about, 'GitHub refuses a state; it is given up until that changes');
  // Never none here either: it goes on when something changes.
  return { ...row, attempts: dueAt ? row.attempts : 1, dueAt: dueAt ?? null };
};

const digestOf = (what: object): string =>
  createHash('sha256').update(JSON.stringify(what)).digest('base64url');

const repositoryOf = (context: Context, build: store.BuildRow) => {
  const { organization, repository, repositoryKey, repositoryId, installationId } = build;
  const number = isWithoutName(repositoryKey) ? (repositoryId ?? undefined) : undefined;
  return requireApi(context).repository({ organization, repository, number }, installationId);
};

type Tell = (context: Context, row: store.ReportRow, about: About) => Promise<Told>;

const tellOfTask: Tell = async (context, row, { build, checkRuns }) => {
  const facts = await readTaskFacts(context, row.id);
  if (!facts || (row.checkRunId === null && !getsCheck(facts, checkRuns))) return row;
  const check = checkOfTask(facts);
  const reported = digestOf(check);
  if (reported === row.reported) return row;
  const { checkRunId, attempts } = row;
  const sending = {
    repository: repositoryOf(context, build),
    sha: build.sha,
    checkRunId,
    isRepeated: attempts > 1,
  };
  return { checkRunId: await sendCheck(sending, check), reported };
};

const tellOfGroup: Tell = async (context, row, { build }) => {
  const began = context.clock.now();
  const facts = await readGroupFacts(context, build);
  context.pace.note(row.id, began, context.clock.now());
  if (!facts) return row;
  const { state, isEnded } = facts;
  const now = context.clock.now();
  const endedAt = isEnded ? (build.endedAt ?? now) : null;
  const { taskGroupId, state: was } = build;
  await store.saveStanding(context.db, { taskGroupId, was, state, endedAt }, now);
  const repository = repositoryOf(context, build);
  if (build.reporting === 'statuses') {
    const status = statusOfGroup(facts);
    const reported = digestOf(status);
    if (reported !== row.reported) await repository.createStatus(build.sha, status);
    return { checkRunId: null, reported };
  }
  const check = checkOfGroup(facts);
  const reported = digestOf(check);
  if (reported === row.reported) return row;
  const { checkRunId, attempts } = row;
  const sending = { repository, sha: build.sha, checkRunId, isRepeated: attempts > 1 };
  return { checkRunId: await sendCheck(sending, check), reported };
};
