import { type as systemName } from 'node:os';
import { collectArtifacts, uploadCollection } from '../artifacts/index.ts';
import { minutes } from '../clock.ts';
import { placeMounts, type TakenCaches } from '../mounts/index.ts';
import { type PayloadReading, readGenericWorkerPayload, type TaskDescription } from '../payload/index.ts';
import { messageOf } from '../worker-log.ts';
import { missingCacheScopes } from './cache-scopes.ts';
import type { HeldClaim } from './held-claim.ts';
import { completed, exception, failed, type Resolution } from './resolution.ts';
import { closeRun, type Endings, openRun, type Run, type WorkerTools } from './run.ts';
import { type CommandsResult, runCommands } from './run-commands.ts';
import { defaultLogWishes, keepLog, showLiveLog } from './run-logs.ts';

// As long as claims usually last: after that the queue has given the run up.
const reportGiveUpMs = minutes(20);

/** Lives through one run, from its claim to its report. Never throws. */
export const runTask = async (tools: WorkerTools, claim: HeldClaim, endings: Endings): Promise<void> => {
  const run = await openRun(tools, claim, endings).catch((error) => reportBug(tools, claim, error));
  const resolution = run ? await story(run) : exception('internal-error');
  if (!claim.lost.aborted) await report(tools, claim, { resolution, endings });
  claim.letGo();
  if (run) await closeRun(run);
};

/** The run itself: what is done, in this order, and how it ended. */
const story = async (run: Run): Promise<Resolution> => {
  const { claim, log } = run;
  writeHeader(run);
  const reading = readPayload(run);
  const wishes = reading.description ?? defaultLogWishes;
  const showing = reading.description && showLiveLog(run, reading.description);
  const resolution = await interruptible(run, () =>
    reading.description ? perform(run, reading.description) : refuse(run, reading.errors),
  );
  const shown = await showing;
  writeFooter(run, resolution);
  await log.close();
  if (!claim.lost.aborted) await keepLog(run, wishes);
  shown?.withdraw();
  return resolution;
};

/** What the task asks for: mounts, commands, artifacts. */
const perform = async (run: Run, description: TaskDescription): Promise<Resolution> => {
  const missingScopes = await missingCacheScopes(run.claim, description, run.interrupted);
  if (missingScopes.length > 0) {
    return refuse(
      run,
      missingScopes.map((scope) => `the task needs the scope ${scope} for its cache`),
    );
  }
  const caches = await mount(run, description);
  if (!caches) return failed;
  let result: CommandsResult | undefined;
  try {
    result = await runCommands(run, description);
    run.interrupted.throwIfAborted();
    const isComplete = await deliverArtifacts(run, description);
    return result.resolution === completed && !isComplete ? failed : result.resolution;
  } finally {
    await giveBack(run, { caches, description, result });
  }
};

const readPayload = ({ tools, claim }: Run): PayloadReading => {
  const { task } = claim;
  return readGenericWorkerPayload(task.payload, {
    deadline: new Date(task.deadline),
    expires: new Date(task.expires ?? task.deadline),
    dependencies: task.dependencies,
    maxRunTimeSecondsMax: tools.maxRunTimeSecondsMax,
  });
};

const refuse = ({ log }: Run, errors: readonly string[]): Resolution => {
  log.error('The payload of this task cannot be run:');
  for (const error of errors) log.error(`- ${error}`);
  return exception('malformed-payload');
};

/** Answers nothing when a mount cannot be had, which is the task's failure. */
const mount = async (run: Run, { mounts }: TaskDescription): Promise<TakenCaches | undefined> => {
  const { tools, claim, log, taskDirectory: directory, privateDirectory, interrupted: signal } = run;
  try {
    return await placeMounts(tools.mounts, mounts, {
      directory,
      privateDirectory,
      access: () => ({ queue: claim.queue(), signal }),
      report: (text) => log.info(text),
    });
  } catch (error) {
    signal.throwIfAborted();
    log.error(`[mounts] ${messageOf(error)}`);
    return undefined;
  }
};

/** Uploads what the commands left; answers whether everything that must be there was. */
const deliverArtifacts = async (run: Run, { artifacts }: TaskDescription): Promise<boolean> => {
  const { claim, log, taskDirectory, interrupted } = run;
  const collection = await collectArtifacts(taskDirectory, artifacts);
  for (const { name } of collection.files) log.info(`Uploading artifact ${name}`);
  for (const { name, reason, message } of collection.missing)
    log.error(`Artifact ${name}: ${message} (${reason})`);
  await uploadCollection(claim, collection, interrupted);
  return collection.missing.length === 0;
};

const giveBack = async (
  { log, tools }: Run,
  used: { caches: TakenCaches; description: TaskDescription; result: CommandsResult | undefined },
): Promise<void> => {
  const { caches, description, result } = used;
  const exitCode = result?.exitCode;
  const isPurged = exitCode !== undefined && description.onExitStatus.purgeCaches.includes(exitCode);
  if (isPurged)
    log.info(`[mounts] The caches are dropped, as the payload wants it after exit code ${exitCode}`);
  try {
    await caches.giveBack(isPurged ? 'purge' : 'keep');
  } catch (error) {
    tools.log.warn({ error: messageOf(error) }, 'a cache could not be put back');
  }
};

/** What a failure means depends on whether the run was being ended; otherwise it is the worker's own. */
const interruptible = async (run: Run, act: () => Resolution | Promise<Resolution>): Promise<Resolution> => {
  try {
    return await act();
  } catch (error) {
    if (run.interrupted.aborted) {
      run.log.error(run.claim.lost.aborted ? 'The claim was lost.' : 'The worker is shutting down.');
      return exception('worker-shutdown');
    }
    run.log.error(`The worker could not go on: ${messageOf(error)}`);
    reportBug(run.tools, run.claim, error);
    return exception(isStoreFailure(error) ? 'resource-unavailable' : 'internal-error');
  }
};

// What the client throws when the place for an artifact's bytes, or the queue itself, cannot be reached.
const isStoreFailure = (error: unknown): boolean =>
  error instanceof Error && ['UploadError', 'ConnectionError'].includes(error.name);

const reportBug = ({ log }: WorkerTools, { taskId, runId }: HeldClaim, error: unknown): undefined => {
  log.error(
    { taskId, runId, error: error instanceof Error ? error.stack : String(error) },
    'a run broke down',
  );
};

const writeHeader = ({ log, claim, tools }: Run): void => {
  const { workerGroup, workerId, taskQueueId } = tools.identity;
  log.info(`Task ${claim.taskId}, run ${claim.runId}: ${claim.task.metadata.name}`);
  log.info(
    `Worker ${workerGroup}/${workerId} of ${taskQueueId}, engine ${tools.engine.name} on ${systemName()}`,
  );
};

const writeFooter = ({ log, tools, startedAt }: Run, resolution: Resolution): void => {
  const elapsedSeconds = (tools.clock.now().getTime() - startedAt.getTime()) / 1000;
  const how = resolution.state === 'exception' ? `exception, ${resolution.reason}` : resolution.state;
  log.info(`Resolved as ${how} after ${elapsedSeconds.toFixed(1)} s`);
};

/** Tells the queue, once; repeated only while no answer comes. A refusal means that others have decided. */
const report = async (
  { log }: WorkerTools,
  claim: HeldClaim,
  { resolution, endings }: { resolution: Resolution; endings: Endings },
): Promise<void> => {
  const { taskId, runId } = claim;
  const signal = AbortSignal.any([claim.lost, endings.abandon]);
  try {
    await claim.call(
      (queue) => {
        if (resolution.state === 'completed') return queue.reportCompleted(taskId, runId, { signal });
        if (resolution.state === 'failed') return queue.reportFailed(taskId, runId, { signal });
        return queue.reportException(taskId, runId, { reason: resolution.reason }, { signal });
      },
      { signal, giveUpAfterMs: reportGiveUpMs },
    );
    log.info({ taskId, runId, ...resolution }, 'resolved');
  } catch (error) {
    log.warn(
      { taskId, runId, ...resolution, error: messageOf(error) },
      'the queue did not take the resolution',
    );
  }
};
