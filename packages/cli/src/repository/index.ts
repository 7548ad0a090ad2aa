import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError, Hooks, Queue, slugid } from '@taskyard/client';
import { hookPayload, type NamedHook, type RenderedTask } from '@taskyard/taskcluster-yml';
import { MistakesError } from '@taskyard/taskcluster-yml/template';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { readDocument } from '../input.ts';
import { type Io, remark, say } from '../io.ts';
import { openPlatform } from '../open-platform.ts';
import type { Platform } from '../platform.ts';
import type { CourseOptions } from '../run-course.ts';
import { askedOf } from './asked-scopes.ts';
import { writeCheckoutRules } from './checkout-rules.ts';
import { type EarlyInterrupts, listenForInterrupts } from './early-interrupts.ts';
import { type GroupToRun, runGroup, submitTasks, withRemedy } from './group-run.ts';
import { type EventKind, eventKinds } from './kinds.ts';
import {
  applyLocalFile,
  type LocalFile,
  localFileName,
  readLocalFile,
  writeLocalFile,
} from './local-file.ts';
import { LocalWorkers } from './local-workers.ts';
import type { Machine } from './machine.ts';
import { type PreparedHere, prepareHere, type RenderedHere, renderHere, whySkipped } from './render-here.ts';
import { showRendering } from './show.ts';
import { checkUpstream } from './upstream.ts';

/** Options of `run` for a file of the original's kind. */
export interface RepositoryOptions extends CourseOptions {
  readonly event?: string;
  readonly eventFile?: string;
  readonly show?: true | string;
  readonly init?: true;
  readonly skip: readonly string[];
  readonly rootUrlForRendering?: string;
  readonly upstream?: string;
}

const kindOf = ({ event = 'push' }: RepositoryOptions): EventKind => {
  const kind = eventKinds.find((one) => one === event);
  if (kind) return kind;
  throw new CommandError(exitCodes.usage, `There is no event "${event}"; known: ${eventKinds.join(', ')}.`);
};

const formatOfShow = ({ show }: RepositoryOptions): 'yaml' | 'json' => {
  if (show === true || show === 'yaml') return 'yaml';
  if (show === 'json') return 'json';
  throw new CommandError(exitCodes.usage, `--show is yaml or json, not "${show}".`);
};

// What is shown is not rendered for a server that runs.
const nowhere = 'https://taskyard.localhost';

/** A folder beside the data of other runs: here the workers belong to the run, and the platform has none. */
const dataOf = (folder: string): string => join(folder, 'repository');

/** What this machine has for tasks with an image of their own. */
const machineHere = async (kept: readonly string[]): Promise<Machine> => {
  const { containerHostHere } = await import('@taskyard/worker');
  const host = containerHostHere();
  const socket = /^unix:\/\/(.*)$/.exec(host)?.[1];
  const isThere = socket === undefined || existsSync(socket);
  const withoutContainers = `there is no container engine at ${host}: start Docker or Podman, or name it by DOCKER_HOST`;
  return { withoutContainers: isThere ? undefined : withoutContainers, kept };
};

interface RepositoryRun {
  readonly io: Io;
  readonly platform: Platform;
  readonly file: string;
  readonly rendered: RenderedHere;
  readonly localFile: LocalFile | undefined;
  readonly interrupts: EarlyInterrupts;
}

/** The groups of a file's tasks, in the order in which they can be created. */
const groupsOf = ({ platform, rendered, localFile, file }: RepositoryRun): GroupToRun[] => {
  const { tasks, scopes } = rendered.rendering;
  const { rootUrl, credentials } = platform;
  // Without a file of roles, nobody has said what tasks may do here: they may do what they ask for.
  const authorizedScopes = localFile && scopes;
  const queue = new Queue({ rootUrl, credentials, authorizedScopes });
  const groups = new Map<string, RenderedTask[]>();
  for (const task of tasks) {
    const id = String(task.task.taskGroupId);
    groups.set(id, [...(groups.get(id) ?? []), task]);
  }
  return [...groups].map(([taskGroupId, members]) => ({
    title: file,
    taskGroupId,
    tasks: members,
    submit: () =>
      submitTasks(queue, taskGroupId, members).catch((error: unknown) => {
        throw withRemedy(error, scopes, localFileName);
      }),
  }));
};

/** The groups of the hooks that a file names. One that is not there is told, and stops nothing. */
const groupsOfHooks = async ({ io, platform, rendered }: RepositoryRun): Promise<GroupToRun[]> => {
  const { rootUrl, credentials } = platform;
  const hooks = new Hooks({ rootUrl, credentials });
  const found: GroupToRun[] = [];
  for (const hook of rendered.rendering.hooks) {
    const [group = '', ...rest] = hook.name.split('/');
    const id = rest.join('/');
    const isThere = await hooks.hook(group, id).then(
      () => true,
      (error: unknown) => {
        // 400: no hook can have such a name.
        if (error instanceof ApiError && [400, 404].includes(error.statusCode)) return false;
        throw error;
      },
    );
    if (isThere) found.push(groupOfHook(hooks, { hook, group, id, context: rendered.context }));
    else remark(io, `The hook ${hook.name} is not on this machine: what it would make does not run.`);
  }
  return found;
};

const groupOfHook = (
  hooks: Hooks,
  {
    hook,
    group,
    id,
    context,
  }: { hook: NamedHook; group: string; id: string; context: RenderedHere['context'] },
): GroupToRun => {
  const taskId = slugid();
  return {
    title: hook.name,
    taskGroupId: taskId,
    tasks: [],
    submit: () =>
      hooks.triggerHook(group, id, hookPayload(hook, { context, taskId }) as Record<string, unknown>),
  };
};

/** Routes for services that this machine does not have. */
const deafRoutes = [/^tc-treeherder\./, /^notify\./];

const tellOfDeafRoutes = ({ io, rendered }: RepositoryRun): void => {
  const routes = rendered.rendering.tasks.flatMap(({ task }) =>
    Array.isArray(task.routes) ? (task.routes as unknown[]).map(String) : [],
  );
  const found = new Set(
    routes.filter((route) => deafRoutes.some((one) => one.test(route))).map((route) => route.split('.')[0]),
  );
  if (found.size > 0)
    remark(io, `Nobody is told by routes of ${[...found].join(' and ')} from this machine.`);
};

const runAll = async (run: RepositoryRun, folder: string, options: RepositoryOptions): Promise<number> => {
  const { io, platform, rendered, localFile, interrupts } = run;
  await applyLocalFile(platform, localFile);
  const groups = [...groupsOf(run), ...(await groupsOfHooks(run))];
  if (groups.length === 0) {
    say(io, 'The file makes no tasks for this event.');
    return exitCodes.ok;
  }
  tellOfDeafRoutes(run);
  const machine = await machineHere([...(localFile?.skip ?? []), ...options.skip]);
  if (interrupts.wasAsked) return exitCodes.interrupted;
  const checkout = await writeCheckoutRules(rendered.state);
  const workers = new LocalWorkers({
    platform,
    folder: join(folder, 'workers'),
    project: rendered.state.folder,
    hidden: [folder],
    checkout,
    hasContainers: machine.withoutContainers === undefined,
  });
  try {
    let exitCode: number = exitCodes.ok;
    for (const group of groups) {
      if (interrupts.wasAsked) return exitCodes.interrupted;
      const ended = await runGroup(group, { io: interrupts.io, platform, folder, machine, workers, options });
      exitCode = Math.max(exitCode, ended);
      if (ended === exitCodes.interrupted) break;
    }
    for (const failure of workers.failures.values()) remark(io, failure);
    return workers.failures.size > 0 ? Math.max(exitCode, exitCodes.failed) : exitCode;
  } finally {
    await workers.stop();
    await checkout.remove();
  }
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Writes a file with the roles and secrets that the tasks of all events ask for. */
const init = async (io: Io, file: string, rootUrl: string): Promise<number> => {
  const rendered: RenderedHere[] = [];
  const mistakes: MistakesError[] = [];
  for (const kind of eventKinds) {
    try {
      rendered.push(await renderHere(await prepareHere({ file, kind, given: {}, rootUrl })));
    } catch (error) {
      // Many files have thought of some events only.
      if (!(error instanceof MistakesError)) throw error;
      mistakes.push(error);
    }
  }
  const [first] = rendered;
  if (!first) throw mistakes[0] as MistakesError;
  const content = askedOf(rendered.map(({ rendering }) => rendering));
  const path = await writeLocalFile(first.state.folder, content);
  const secrets = Object.keys(content.secrets);
  const roles = Object.keys(content.roles);
  say(io, `Wrote ${path}: ${counted(roles.length, 'role')}, ${counted(secrets.length, 'secret')}.`);
  for (const name of secrets) say(io, `  fill in the secret ${name}`);
  return exitCodes.ok;
};

/** Runs a `.taskcluster.yml` for an event of the checkout around it, or shows what it would make; returns the exit status. */
export const runRepository = async (
  io: Io,
  {
    file,
    folder: data,
    options,
  }: { readonly file: string; readonly folder: string; readonly options: RepositoryOptions },
): Promise<number> => {
  const kind = kindOf(options);
  const rootUrl = options.rootUrlForRendering ?? nowhere;
  if (options.init) return init(io, file, rootUrl);
  const given = options.eventFile === undefined ? {} : await readDocument(io, options.eventFile);
  const prepared = await prepareHere({ file, kind, given, rootUrl });
  const reason = whySkipped(prepared);
  if (reason !== undefined) {
    say(io, reason);
    return exitCodes.ok;
  }
  // Mistakes are told before anything is started.
  const shown = await renderHere(prepared);
  if (options.show !== undefined) {
    showRendering(io, shown, formatOfShow(options));
    return exitCodes.ok;
  }
  if (shown.state.isChanged)
    remark(io, 'Files differ from the last commit. Tasks run that commit, without your changes.');
  return openAndRun(io, { file, folder: dataOf(data), options, prepared, shown });
};

interface Prepared {
  readonly file: string;
  readonly folder: string;
  readonly options: RepositoryOptions;
  readonly prepared: PreparedHere;
  readonly shown: RenderedHere;
}

/** Opens the platform and runs the file on it. A request to end is heard all the time, so that nothing is left behind. */
const openAndRun = async (io: Io, { file, folder, options, prepared, shown }: Prepared): Promise<number> => {
  const localFile = await readLocalFile(shown.state.folder);
  const interrupts = listenForInterrupts(io);
  try {
    const platform = await openPlatform(io, folder, {
      project: shown.state.folder,
      worker: { enabled: false },
      // Files are written for deployments that may allow more than the usual five days.
      taskDeadlineDaysMax: 365,
      ...(options.upstream !== undefined && { upstreamUrl: options.upstream }),
    });
    try {
      if (interrupts.wasAsked) return exitCodes.interrupted;
      await checkUpstream(io, platform, options.upstream);
      const context = { ...prepared.context, rootUrl: options.rootUrlForRendering ?? platform.rootUrl };
      const rendered = await renderHere({ ...prepared, context });
      return await runAll({ io, platform, file, rendered, localFile, interrupts }, folder, options);
    } finally {
      await platform.stop();
    }
  } finally {
    interrupts.stop();
  }
};
