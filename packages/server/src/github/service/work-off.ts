import type { EventContext, Rendering } from '@taskyard/taskcluster-yml';
import { type Batched, later, minutes, RequestError, transact } from '../../base/index.ts';
import type { Message } from '../../events/index.ts';
import {
  CommitUnknown,
  GithubIsBusy,
  GithubRefusal,
  type Repository,
  type RepositoryName,
} from '../api/index.ts';
import { requireApi } from '../configured.ts';
import type { Context } from '../context.ts';
import { fileChanged } from '../events.ts';
import { nextAttempt } from '../lifecycle.ts';
import * as store from '../store/index.ts';
import type { Event } from '../webhook/index.ts';
import { authorityOf } from './authority.ts';
import * as comments from './comments.ts';
import type { BuildToCreate, HookBuild } from './create-builds.ts';
import { changesFile } from './file-updates.ts';
import { type Finished, settlementOf } from './finish-deliveries.ts';
import { type Occasion, occasionOf } from './occasion.ts';
import type { Rerun } from './rerun.ts';
import { triggerHooks } from './trigger-hooks.ts';
import { fileName } from './trust.ts';

// For about a minute.
const commitAttemptsMax = 5;
// Longer than one takes: a process that ends meanwhile leaves its deliveries to the others.
const takenMs = minutes(5);
// What is taken together is held in memory together; one alone may have 25 MiB.
const takenBytesMax = 8 * 2 ** 20;

/** The verbs that a delivery ends with. */
export interface WorkingOff {
  readonly createBuilds: Batched<BuildToCreate, undefined>;
  readonly noteHookBuilds: Batched<HookBuild, undefined>;
  readonly finishDeliveries: Batched<Finished, undefined>;
  rerun(asked: Rerun): Promise<string | undefined>;
}

/** A delivery whose installation is known. */
type Known = BuildToCreate['delivery'];

/** What becomes of a delivery: words for the operator and, if somebody is to be told, a comment. */
interface Outcome {
  readonly outcome: string;
  readonly comment?: string | undefined;
  readonly messages?: readonly Message[];
}

interface Working {
  readonly context: Context;
  readonly verbs: WorkingOff;
  readonly delivery: Known;
  readonly place: RepositoryName;
  readonly repository: Repository;
  readonly event: Event;
}

const bytesOf = (deliveries: readonly store.TakenDelivery[]): number =>
  deliveries.reduce((bytes, { payload }) => bytes + Buffer.byteLength(payload), 0);

/**
 * Works off deliveries that are due, at most `limit`; returns how many, and `limit` where large ones were too many to be
 * taken at once. Those of one repository go one after the other, in the order in which they came.
 */
export const workOff = async (context: Context, verbs: WorkingOff, limit: number): Promise<number> => {
  const taken = await transact(context, (tx, now) =>
    store.takeDeliveries(tx, { now, until: later(now, takenMs), limit, bytesMax: takenBytesMax }),
  );
  const isCutShort = bytesOf(taken) >= takenBytesMax;
  const lines = new Map<string | number, store.TakenDelivery[]>();
  for (const delivery of taken) {
    const name = delivery.repositoryId ?? `${delivery.organization}/${delivery.repository}`;
    lines.set(name, [...(lines.get(name) ?? []), delivery]);
  }
  const places = await placesOf(context, taken);
  await Promise.all(
    [...lines.values()].map(async (line) => {
      for (const delivery of line) await workOffOne(context, verbs, { delivery, place: places(delivery) });
    }),
  );
  return isCutShort ? limit : taken.length;
};

/** Where the repositories of deliveries are: they may have been renamed since, and their names given to others. */
const placesOf = async (
  { db }: Context,
  taken: readonly store.TakenDelivery[],
): Promise<(delivery: store.TakenDelivery) => RepositoryName> => {
  const rows = await store.readRepositories(
    db,
    taken.flatMap(({ repositoryId }) => repositoryId ?? []),
  );
  const known = new Map(rows.map((row) => [row.repositoryId, row]));
  return ({ repositoryId, organization, repository }) => {
    const now = repositoryId === null ? undefined : known.get(repositoryId);
    if (!now) return { organization, repository };
    return now.organization === null || now.repository === null
      ? { organization, repository, number: now.repositoryId }
      : { organization: now.organization, repository: now.repository };
  };
};

const workOffOne = async (
  context: Context,
  verbs: WorkingOff,
  { delivery, place }: { readonly delivery: store.TakenDelivery; readonly place: RepositoryName },
): Promise<void> => {
  try {
    const installationId = delivery.installationId ?? (await requireApi(context).installationIn(place));
    if (installationId === undefined) {
      await finish(verbs, delivery, { outcome: 'The app is not installed there.' });
      return;
    }
    const repository = requireApi(context).repository(place, installationId);
    const event = { type: delivery.eventType, payload: JSON.parse(delivery.payload) } as Event;
    const working = { context, verbs, delivery: { ...delivery, installationId }, place, repository, event };
    if (delivery.comment === null) await act(working);
    else await writeComment(working, delivery.comment);
  } catch (error) {
    await postpone(context, verbs, { delivery, error });
  }
};

const finish = (verbs: WorkingOff, delivery: store.TakenDelivery, outcome: Outcome): Promise<undefined> =>
  verbs.finishDeliveries.one({ delivery, ...outcome });

const act = async (working: Working): Promise<void> => {
  const { verbs, delivery, place, event } = working;
  if (event.type === 'check_run' || event.type === 'check_suite') {
    const comment = await verbs.rerun({ place, event });
    await finish(verbs, delivery, { outcome: 'A check was asked for again.', comment });
    return;
  }
  const outcome = await makeTasks(working);
  if (outcome) await finish(verbs, delivery, outcome);
};

/** There is nothing to make, which those are told who have asked by a comment. */
const nothingFor = ({ event }: Working, why: string, messages: readonly Message[]): Outcome => ({
  outcome: why,
  comment: event.type === 'issue_comment' ? comments.aboutNothing(why) : undefined,
  messages,
});

/** Makes the tasks of an event; returns what becomes of the delivery, unless that was written with the tasks. */
const makeTasks = async (working: Working): Promise<Outcome | undefined> => {
  const { context, delivery, repository, event } = working;
  const messages =
    event.type === 'push' && (await changesFile(repository, event.payload))
      ? [fileChanged(delivery, event.payload.ref)]
      : [];
  const occasion = await occasionOf(context, repository, event);
  if ('why' in occasion) {
    const comment = occasion.isTold ? comments.aboutNothing(occasion.why) : undefined;
    return { outcome: occasion.why, comment, messages };
  }
  const file = await repository.fileOf(fileName, occasion.sha);
  if (!file) return nothingFor(working, `There is no ${fileName} at ${occasion.sha.slice(0, 12)}.`, messages);
  const { text, why } = file;
  const eventContext = await contextOf(working, occasion, text);
  const rendered =
    text === undefined
      ? { mistakes: [`${fileName}:1:1: ${why}`] }
      : await context.rendering.render(text, eventContext);
  if ('mistakes' in rendered) {
    const comment = comments.aboutMistakes(rendered.mistakes, occasion.sha);
    return { outcome: `${fileName} has mistakes.`, comment, messages };
  }
  return createAll(working, { occasion, rendered, eventContext, messages });
};

const versionZero = /^["']?version["']?\s*:\s*0/m;

const contextOf = async (
  { context, delivery, repository, event }: Working,
  { tasksFor, payload }: Occasion,
  text = '',
): Promise<EventContext> => {
  const login = event.payload.sender?.login;
  // Files of later versions cannot name it.
  const isAsked = login !== undefined && versionZero.test(text);
  return {
    tasksFor,
    rootUrl: context.rootUrl(),
    organization: delivery.organization,
    repository: delivery.repository,
    event: payload,
    now: context.clock.now().toJSON(),
    headUserEmail: isAsked ? await repository.emailOf(login) : undefined,
  };
};

interface ToCreate {
  readonly occasion: Occasion;
  readonly rendered: Rendering;
  readonly eventContext: EventContext;
  readonly messages: readonly Message[];
}

/** Lets somebody who has asked by a comment see that it was read. Nothing depends on it. */
const acknowledge = async ({ context, repository, event }: Working): Promise<void> => {
  if (event.type !== 'issue_comment') return;
  await repository.acknowledge(event.payload.comment.id).catch((err: unknown) => {
    context.log.info({ err }, 'a comment could not be marked as read');
  });
};

const createAll = async (working: Working, toCreate: ToCreate): Promise<Outcome | undefined> => {
  const { context, verbs, delivery } = working;
  const { occasion, rendered, eventContext, messages } = toCreate;
  // By the time of the delivery: so the same call comes again, and is recognized, when this is done once more.
  const hookContext = { ...eventContext, now: delivery.receivedAt.toJSON() };
  const asked = { delivery, occasion, rendered, context: hookContext };
  const mistakes = await triggerHooks(context, verbs.noteHookBuilds, asked);
  const comment = mistakes.length > 0 ? comments.aboutHooks(mistakes) : undefined;
  const { taskGroupId, scopes } = rendered;
  if (taskGroupId === undefined && rendered.hooks.length === 0)
    return nothingFor(working, `${fileName} makes none for it.`, messages);
  if (taskGroupId === undefined) {
    if (!comment) await acknowledge(working);
    return { outcome: 'It asks for no tasks.', comment, messages };
  }
  const authorize = await authorityOf(context, scopes);
  const outcome = { outcome: 'Its tasks were created.', comment };
  const settlement = settlementOf({ delivery, ...outcome }, context.clock.now());
  const build = { delivery, occasion, taskGroupId, rendered, authorize, messages, settlement };
  try {
    await verbs.createBuilds.one(build);
    if (!comment) await acknowledge(working);
    return undefined;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const about = [comments.aboutRefusedTasks(error.message, scopes), ...(comment ? [comment] : [])];
    return { outcome: 'Its tasks were refused.', comment: about.join('\n\n'), messages };
  }
};

const writeComment = async ({ delivery, repository, event, verbs }: Working, text: string): Promise<void> => {
  const place = comments.placeOf(event);
  const { eventId, receivedAt } = delivery;
  // An earlier attempt may have written it before its process ended. Clocks differ a little.
  const since = later(receivedAt, -minutes(10));
  const isThere = place && (await repository.hasComment(place, comments.markOf(eventId), since));
  if (place && !isThere) await repository.comment(place, comments.marked(text, eventId));
  await finish(verbs, delivery, { outcome: text.slice(0, 500) });
};

/** Whether a commit that GitHub does not find may be found a little later. */
const mayPass = (error: GithubRefusal, attempts: number): boolean =>
  error instanceof CommitUnknown && attempts < commitAttemptsMax;

/** Tries a delivery again later, or gives it up. */
const postpone = async (
  { clock, log }: Context,
  verbs: WorkingOff,
  { delivery, error }: { delivery: store.TakenDelivery; error: unknown },
): Promise<void> => {
  const { eventId, eventType, organization, repository, attempts } = delivery;
  const about = { eventId, eventType, organization, repository, attempts, err: error };
  const now = clock.now();
  // A token that was revoked is replaced by the next call.
  const isFinal = error instanceof GithubRefusal && error.status !== 401 && !mayPass(error, attempts);
  const dueAt = error instanceof GithubIsBusy ? later(now, error.waitMs) : nextAttempt(attempts, now);
  if (isFinal || !dueAt) {
    log.warn(about, 'an event of GitHub is given up');
    await finish(verbs, delivery, { outcome: store.givenUp });
    return;
  }
  log.info({ ...about, dueAt }, 'an event of GitHub could not be worked off, and is tried again');
  await verbs.finishDeliveries.one({ delivery, outcome: null, retryAt: dueAt });
};
