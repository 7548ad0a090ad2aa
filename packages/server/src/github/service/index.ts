import { alone, bindQueries, bindVerbs, inBatches } from '../../base/index.ts';
import { Reply } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { RenderTaskclusterYml } from '../schema/index.ts';
import { type BuildsToCancel, cancelBuilds, cancelNow, cancelTasksOfBuilds } from './cancel-builds.ts';
import { createBuilds, noteHookBuilds } from './create-builds.ts';
import { finishDeliveries } from './finish-deliveries.ts';
import { noteRepositories } from './note-repositories.ts';
import { renderTaskclusterYml } from './preview.ts';
import * as reads from './reads.ts';
import { expectDelivery, receive, receiveDeliveries, type WebhookRequest } from './receive.ts';
import { rerun } from './rerun.ts';
import { restoreBuilds } from './restore-builds.ts';
import * as talk from './talk.ts';
import { workOff } from './work-off.ts';

export { touchGroups, touchTasks } from './touch-tasks.ts';

const verbs = {
  receiveDeliveries: inBatches(receiveDeliveries),
  createBuilds: alone(createBuilds),
  noteHookBuilds: alone(noteHookBuilds),
  finishDeliveries: inBatches(finishDeliveries),
  noteRepositories: inBatches(noteRepositories),
  restoreBuilds: inBatches(restoreBuilds),
  cancelBuilds: alone(cancelBuilds),
};

const queries = {
  listBuilds: reads.listBuilds,
  readBadge: reads.readBadge,
  findLatest: reads.findLatest,
};

/** The verbs of the service, bound to what it was opened with. */
export const githubVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  return {
    ...bindQueries(context, queries),
    /** Refuses what can be no delivery, before its body is read. */
    expectDelivery: (headers: WebhookRequest['headers']) => expectDelivery(context, headers),
    /** Takes a delivery; the reply says in words what will become of it. */
    receive: async (request: WebhookRequest): Promise<Reply> =>
      new Reply(200, { message: await receive(context, bound, request) }),
    cancelBuilds: (wanted: BuildsToCancel) => cancelNow(context, bound.cancelBuilds, wanted),
    readRepository: (ref: talk.RepositoryRef) => talk.readRepository(context, ref),
    createStatus: (asked: Parameters<typeof talk.createStatus>[1]) => talk.createStatus(context, asked),
    createComment: (asked: Parameters<typeof talk.createComment>[1]) => talk.createComment(context, asked),
    render: (asked: RenderTaskclusterYml) => renderTaskclusterYml(context, asked),
    /** Works off at most this many deliveries that are due; returns how many. */
    workOff: (limit: number) =>
      workOff(context, { ...bound, rerun: (asked) => rerun(context, asked) }, limit),
    /** Ends the tasks of at most this many builds that were canceled; returns how many. */
    cancelTasksOfBuilds: (limit: number) => cancelTasksOfBuilds(context, limit),
  };
};

export type GithubVerbs = ReturnType<typeof githubVerbs>;
