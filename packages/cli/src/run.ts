import { dirname, resolve } from 'node:path';
import { Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { checkoutOf } from './checkout.ts';
import { commandNamed } from './connected.ts';
import { keepDurations, readDurations } from './durations.ts';
import { exitCodes } from './exit-codes.ts';
import { GroupState } from './follow/group-state.ts';
import { presenterFor, type Subject } from './follow/presenter.ts';
import type { Graph } from './graph-file/index.ts';
import {
  builtInTaskQueueId,
  queuesOf,
  readGraph,
  refuseTasksBoundHere,
  submitGraph,
  warnOfHiddenProject,
} from './group/submit.ts';
import { collectPairs, collectTexts } from './input.ts';
import type { Io } from './io.ts';
import { openPlatform } from './open-platform.ts';
import { groupPage } from './pages.ts';
import type { Platform } from './platform.ts';
import type { RepositoryOptions } from './repository/index.ts';
import { eventKinds, isTaskclusterYml } from './repository/kinds.ts';
import { runToEnd } from './run-course.ts';
import { provideSource } from './source/index.ts';
import { warnOfUnservedQueues } from './unserved-queues.ts';

interface RunOptions extends RepositoryOptions {
  readonly param: Record<string, string>;
  readonly data?: string;
}

/** How to get a platform; tests pass their own. */
export type OpenPlatform = (io: Io, folder: string, project: string) => Promise<Platform>;

// A worker in the platform's process claims the first task sooner than one that has to be started.
const openWithWorker: OpenPlatform = (io, folder, project) =>
  openPlatform(io, folder, { project, worker: { mode: 'built-in' } });

const runGraph = async (
  io: Io,
  platform: Platform,
  { file, graph: read, folder, options }: RunInput,
): Promise<number> => {
  const { rootUrl, credentials } = platform;
  const queue = new Queue({ rootUrl, credentials });
  refuseTasksBoundHere(read, file, rootUrl);
  if (!platform.guest) warnOfHiddenProject(io, read, { file, project: platform.project });
  // The worker of a platform that was started for runs may not have asked for work yet.
  const queues = queuesOf(read).filter((name) => !platform.guest || name !== builtInTaskQueueId);
  await warnOfUnservedQueues(io, { rootUrl, credentials }, queues);
  const graph = await provideSource(io, read, { rootUrl, credentials, now: new Date(), hidden: [folder] });
  const group = new GroupState();
  for (const { taskId, label, task } of graph.tasks) {
    const { dependencies, requires } = task as { dependencies?: readonly string[]; requires?: string };
    group.plan({ taskId, label, dependencies, requires });
  }
  const durations = await readDurations(folder, graph.name);
  const subject: Subject = {
    title: graph.name,
    taskGroupId: graph.taskGroupId,
    url: groupPage(rootUrl, graph.taskGroupId),
    group,
    startedAt: new Date(),
    expectedMs: (label) => durations.get(label),
  };
  const presenter = presenterFor(io, subject, options.json);
  const submit = (): Promise<unknown> => submitGraph(queue, graph);
  const exitCode = await runToEnd({ io, platform, folder, queue, subject, presenter, options, submit });
  await keepDurations(folder, graph.name, group);
  return exitCode;
};

/** The project folder of a file: its checkout, or else its folder. */
const projectOf = async (file: string): Promise<string> => {
  const home = dirname(resolve(file));
  return (await checkoutOf(home)) ?? home;
};

interface RunInput {
  readonly file: string;
  readonly graph: Graph;
  readonly folder: string;
  readonly options: RunOptions;
}

/** Reads a graph file, opens the platform and runs the graph; returns the exit status. */
const runFile = async (
  io: Io,
  { file, folder, options, open }: Omit<RunInput, 'graph'> & { readonly open: OpenPlatform },
): Promise<number> => {
  // A mistake in the file is told before anything is started.
  const { GenericWorkerPayload } = await import('@taskyard/worker');
  const graph = await readGraph({ file, params: options.param, payloadSchema: GenericWorkerPayload });
  let isEarlyEnd = false;
  const stopListening = io.onInterrupt(() => {
    if (isEarlyEnd) io.exit(exitCodes.interrupted);
    isEarlyEnd = true;
  });
  const platform = await open(io, folder, await projectOf(file)).finally(stopListening);
  try {
    if (isEarlyEnd) return exitCodes.interrupted;
    return await runGraph(io, platform, { file, graph, folder, options });
  } finally {
    await platform.stop();
  }
};

/** `taskyard run <graph file>`, and `taskyard run .taskcluster.yml --event …` */
export const runCommand = (io: Io, open: OpenPlatform = openWithWorker): Command =>
  commandNamed('run')
    .description('Run a graph of tasks to its end on this machine, and show how it goes.')
    .argument('<file>', 'the graph file, or a .taskcluster.yml')
    .option('-p, --param <name=value>', 'a parameter of the graph; may be repeated', collectPairs, {})
    .option('--data <folder>', 'where the platform keeps its data (default: TASKYARD_DATA or .taskyard)')
    .option('-o, --output <folder>', 'where results are saved (default: <data>/out/<graph>)')
    .option('--no-output', 'save no results')
    .option('-k, --keep-going', 'when a task fails, go on with those that do not need it')
    .option('--event <kind>', `of a .taskcluster.yml: ${eventKinds.join(', ')} (default: push)`)
    .option('--event-file <file>', 'a file that overrides the event, in JSON or YAML')
    .option(
      '--show [format]',
      'of a .taskcluster.yml: print what would be created, as yaml or json, and create nothing',
    )
    .option('--init', `of a .taskcluster.yml: write a file of the roles and secrets that its tasks ask for`)
    .option('--skip <taskQueueId>', 'a task queue that is not served here; may be repeated', collectTexts, [])
    .option(
      '--upstream <url>',
      'of a .taskcluster.yml: a server whose index is asked for tasks that this machine does not know',
    )
    .option('--root-url-for-rendering <url>', 'the address of the server that expressions see')
    .action(async (file: string, options: RunOptions) => {
      const folder = options.data ?? io.environment.folder;
      // A file of any name, with options that graph files do not have: --show and --init must never run a graph.
      const { event, eventFile, show, init } = options;
      const isOriginal =
        isTaskclusterYml(file) || [event, eventFile, show, init].some((one) => one !== undefined);
      // Other commands, and other files, start faster without what renders the original's files.
      const run = isOriginal
        ? (await import('./repository/index.ts')).runRepository(io, { file, folder, options })
        : runFile(io, { file, folder, options, open });
      io.setExitCode(await run);
    });
