import { traced } from '@taskyard/tracing';
import { collectArtifacts } from '../artifacts/index.ts';
import type { HeldClaim } from '../claims/index.ts';
import { minutes } from '../clock.ts';
import { ownNamesOf, type TaskDescription } from '../payload/index.ts';
import { Unavailable } from '../unavailable.ts';
import { messageOf } from '../worker-log.ts';
import { certify } from './certify.ts';
import { foundArtifacts } from './container.ts';
import { writeHeader } from './header.ts';
import { missingScopes } from './missing-scopes.ts';
import { giveBack, mount } from './mount.ts';
import { placesOf } from './outside.ts';
import { isPassingFailure } from './passing-failure.ts';
import { readRun } from './read-run.ts';
import { completed, exception, failed, type Resolution } from './resolution.ts';
import { type Circumstances, closeRun, type Endings, openRun, type Run, type WorkerTools } from './run.ts';
import { type CommandsResult, runCommands } from './run-commands.ts';
import { defaultLogSettings, keepLog, showLiveLog } from './run-logs.ts';
import { openSurroundings } from './surroundings.ts';
import { type TimeLimit, timeLimit } from './time-limit.ts';
import { tracePart, traceResolution } from './trace-run.ts';

// As long as claims usually last: after that the queue has given the run up.
const reportGiveUpMs = minutes(20);

/** Handles one run, from its claim to its report. Never throws. */
export const runTask = async (
  tools: WorkerTools,
  claim: HeldClaim,
  circumstances: Circumstances,
): Promise<void> => {
  const { endings, ended } = circumstances;
  const run = await openRun(tools, claim, circumstances).catch((error) => reportBug(tools, claim, error));
  const resolution = run ? await story(run) : exception('internal-error');
  traceResolution(tools, resolution);
  if (!claim.lost.aborted) {
    ended(resolution);
    await traced(tools.tracing, 'report', {}, () => report(tools, claim, { resolution, endings }));
  }
  claim.letGo();
  if (run) await closeRun(run);
};

/** The run itself: what is done, in this order, and how it ended. */
const story = async (run: Run): Promise<Resolution> => {
  const { claim, log } = run;
  writeHeader(run);
  const reading = readRun(run);
  const logSettings = reading.description ?? defaultLogSettings;
  const over = new AbortController();
  const showing = reading.description && showLiveLog(run, reading.description, over.signal);
  const resolution = await interruptible(run, () =>
    reading.description ? perform(run, reading.description) : refuse(run, reading.errors, reading.format),
  );
  over.abort();
  const shown = await showing;
  writeFooter(run, resolution);
  await log.close();
  if (!claim.lost.aborted) await keepLog(run, logSettings);
  shown?.withdraw();
  return resolution;
};

/** The parts that the task asks for: mounts, commands, artifacts. */
const perform = async (run: Run, description: TaskDescription): Promise<Resolution> => {
  const missing = await missingScopes(run.claim, description.requiredScopes, run.interrupted);
  if (missing.length > 0) {
    return refuse(
      run,
      missing.map(({ anyOf, purpose }) => `the task needs the scope ${anyOf.join(' or ')} for ${purpose}`),
    );
  }
  const limit = timeLimit(run.tools.clock, description.maxRunTimeSeconds);
  const attributes = { 'taskyard.mounts': description.mounts.length };
  const act = () => mount(run, description, limit);
  const caches = await tracePart(run.tools, 'mount', { attributes, act });
  if (!caches) return failed;
  let result: CommandsResult | undefined;
  try {
    result = await runSurrounded(run, description, limit);
    run.vacate();
    if (!result) return failed;
    run.interrupted.throwIfAborted();
    const isComplete = await deliver(run, description);
    return result.resolution === completed && !isComplete ? failed : result.resolution;
  } finally {
    limit.end();
    await giveBack(run, { caches, description, result });
  }
};

/** The commands, with what they need around them. Returns undefined when that fails. */
const runSurrounded = async (
  run: Run,
  description: TaskDescription,
  limit: TimeLimit,
): Promise<CommandsResult | undefined> => {
  const surroundings = await openSurroundings(run, description);
  try {
    return surroundings && (await runCommands(run, description, { surroundings, limit }));
  } finally {
    await surroundings?.close();
  }
};

const refuse = ({ log }: Run, errors: readonly string[], format?: string): Resolution => {
  log.error(`The ${format === undefined ? '' : `${format} `}payload of this task cannot be run:`);
  for (const error of errors) log.error(`- ${error}`);
  return exception('malformed-payload');
};

/** Uploads the artifacts, and certifies them; returns whether all required ones exist. */
const deliver = async (run: Run, description: TaskDescription): Promise<boolean> => {
  const { claim, log, interrupted, tools } = run;
  const { features } = description;
  const collecting = { ...placesOf(run, description), ownNames: ownNamesOf(description) };
  const collection = await collectArtifacts(collecting, foundArtifacts(run, description));
  for (const warning of collection.warnings) log.warn(warning);
  for (const { name } of collection.files) log.info(`Uploading artifact ${name}`);
  for (const { name, reason, message } of collection.missing)
    log.error(`Artifact ${name}: ${message} (${reason})`);
  const refused = await tools.uploads.upload(claim, collection, interrupted);
  for (const { name, message, isOptional } of refused) {
    if (isOptional) log.warn(`${name} is left out, as it is optional: ${message}`);
    else log.error(`Artifact ${name}: ${message}`);
  }
  const refusedNames = new Set(refused.map(({ name }) => name));
  const files = collection.files.filter(({ name }) => !refusedNames.has(name));
  const isCertified = !features.chainOfTrust || (await certify(run, files, tools.signingKey));
  return collection.missing.length === 0 && refused.every(({ isOptional }) => isOptional) && isCertified;
};

/** The resolution after a failure: that of the interruption if the run was being ended, else one of the worker. */
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
    const isPassing = isPassingFailure(error);
    const lacksInput = error instanceof Unavailable;
    return { state: 'exception', reason: isPassing ? 'resource-unavailable' : 'internal-error', lacksInput };
  }
};

const reportBug = ({ log }: WorkerTools, { taskId, runId }: HeldClaim, error: unknown): undefined => {
  log.error(
    { taskId, runId, error: error instanceof Error ? error.stack : String(error) },
    'a run broke down',
  );
};

const writeFooter = ({ log, tools, startedAt }: Run, resolution: Resolution): void => {
  const elapsedSeconds = (tools.clock.now().getTime() - startedAt.getTime()) / 1000;
  const how = resolution.state === 'exception' ? `exception, ${resolution.reason}` : resolution.state;
  log.info(`Resolved as ${how} after ${elapsedSeconds.toFixed(1)} s`);
};

/** Reports to the queue once; repeated only without a reply. A refusal means that the run was resolved otherwise. */
const report = async (
  { log, reports }: WorkerTools,
  claim: HeldClaim,
  { resolution, endings }: { resolution: Resolution; endings: Endings },
): Promise<void> => {
  const { taskId, runId } = claim;
  const signal = AbortSignal.any([claim.lost, endings.abandon]);
  try {
    await claim.call((queue) => reports.send({ taskId, runId, queue, ...resolution }, signal), {
      signal,
      giveUpAfterMs: reportGiveUpMs,
    });
    log.info({ taskId, runId, ...resolution }, 'resolved');
  } catch (error) {
    log.warn(
      { taskId, runId, ...resolution, error: messageOf(error) },
      'the queue did not take the resolution',
    );
  }
};
