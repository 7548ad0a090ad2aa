import type { Entry, Span } from './history.ts';

/** What became of a task, as the database has it in the end: the states of its runs. */
export type Ending = readonly string[];

/** What is known besides the calls of a task. */
export interface Surroundings {
  readonly wrongClocks: readonly Span[];
  /** Undefined when the database has no such task. */
  readonly ending: Ending | undefined;
}

type Check = (entries: readonly Entry[], known: Surroundings) => string[];

const acknowledged = (entries: readonly Entry[], ...verbs: readonly string[]): Entry[] =>
  entries.filter(({ outcome, verb }) => outcome === 'acknowledged' && verbs.includes(verb));

/** Ends of a run that its worker was told of. */
const reportsOf = (entries: readonly Entry[]): Entry[] => acknowledged(entries, 'report');

const isWrongWithin = (wrongClocks: readonly Span[], from: number, to: number): boolean =>
  wrongClocks.some((span) => span.from <= to && span.to >= from);

/** Until when the latest word that its worker had gave a run to it. */
const heldUntil = (entries: readonly Entry[], runId: number | undefined, before: number): number =>
  Math.max(
    0,
    ...acknowledged(entries, 'claim', 'reclaim')
      .filter((entry) => entry.runId === runId && entry.ended <= before)
      .map(({ takenUntil = 0 }) => takenUntil),
  );

const claimOf = (entries: readonly Entry[], runId: number | undefined): Entry | undefined =>
  acknowledged(entries, 'claim').find((entry) => entry.runId === runId);

const creationIsNotRefused: Check = (entries) =>
  entries
    .filter(({ verb, outcome }) => verb === 'create' && outcome === 'refused')
    .map(({ status, says }) => `its creation was refused with ${status}: ${says}`);

/** Nobody else does anything to these tasks: the one reason to refuse a worker is that its claim is over. */
const workersAreRefusedAfterTheirClaimsOnly: Check = (entries, { wrongClocks }) =>
  entries
    .filter(({ verb, outcome }) => outcome === 'refused' && verb !== 'create' && verb !== 'read')
    .flatMap(({ verb, status, says, runId, ended }) => {
      if (status !== 409) return [`a ${verb} of run ${runId} was refused with ${status}: ${says}`];
      const from = claimOf(entries, runId)?.sent ?? 0;
      const isOver = heldUntil(entries, runId, ended) <= ended || isWrongWithin(wrongClocks, from, ended);
      return isOver ? [] : [`a ${verb} of run ${runId} was refused while its worker held it: ${says}`];
    });

const runsAreHandedOutOnce: Check = (entries) => {
  const claims = acknowledged(entries, 'claim');
  return claims
    .filter((claim, i) => claims.findIndex(({ runId }) => runId === claim.runId) !== i)
    .map(({ runId, caller }) => `run ${runId} was given to ${caller} although another worker had got it`);
};

const oneWorkerAtATime: Check = (entries, { wrongClocks }) =>
  acknowledged(entries, 'claim').flatMap(({ runId = 0, ended }) => {
    const before = claimOf(entries, runId - 1);
    const wasReported = entries.some(
      ({ verb, ...report }) => verb === 'report' && report.runId === runId - 1 && report.sent < ended,
    );
    if (!before || wasReported || heldUntil(entries, runId - 1, ended) <= ended) return [];
    if (isWrongWithin(wrongClocks, before.sent, ended)) return [];
    return [`run ${runId} was handed out while ${before.caller} held run ${runId - 1}`];
  });

const whatEndedDoesNotRunAgain: Check = (entries) =>
  reportsOf(entries)
    .filter(({ says }) => says === 'completed' || says === 'failed')
    .flatMap(({ runId = 0, says }) =>
      acknowledged(entries, 'claim', 'report')
        .filter((later) => (later.runId ?? 0) > runId)
        .map((later) => `run ${later.runId} had a ${later.verb} although run ${runId} was reported ${says}`),
    );

/** What was once told stays true: runs do not become fewer, and a task that has ended has ended. */
const readsGoForward: Check = (entries) => {
  const problems: string[] = [];
  const states = entries.filter(({ runs, outcome }) => outcome === 'acknowledged' && runs !== undefined);
  const isFinal = ({ says }: Entry): boolean => says === 'completed' || says === 'failed';
  for (const later of entries.filter(({ verb, outcome }) => verb === 'read' && outcome !== 'unknown')) {
    const earlier = states.filter(({ ended }) => ended <= later.sent);
    if (later.outcome === 'refused' && earlier.length > 0)
      problems.push(`a read was refused with ${later.status} after the task had been there: ${later.says}`);
    if (later.outcome === 'refused') continue;
    const final = earlier.find(isFinal);
    if (final && final.says !== later.says)
      problems.push(`it was told to be ${later.says} after it had been told to be ${final.says}`);
    if (earlier.some(({ runs = 0 }) => runs > (later.runs ?? 0)))
      problems.push(`a read told of ${later.runs} runs, after more had been told of`);
  }
  return problems;
};

/** What the database has in the end is what callers were told. */
const theEndIsAsTold: Check = (entries, { ending }) => {
  const wasCreated = acknowledged(entries, 'create').length > 0;
  if (!ending) return wasCreated ? ['its creation was acknowledged, and it is not there'] : [];
  const ends = ending.at(-1) ?? 'without a run';
  const resolved = ['completed', 'failed', 'exception'].includes(ends) ? [] : [`it is ${ends} in the end`];
  const lost = acknowledged(entries, 'claim')
    .filter(({ runId = 0 }) => ending[runId] === undefined)
    .map(({ runId, caller }) => `run ${runId} was given to ${caller}, and is not there`);
  const otherwise = reportsOf(entries)
    .filter(({ says, runId = 0 }) => ending[runId] !== says)
    .map(
      ({ says, runId = 0 }) =>
        `run ${runId} was told to be ${says} when it was reported; it is ${ending[runId]}`,
    );
  return [...resolved, ...lost, ...otherwise];
};

const checks: readonly Check[] = [
  creationIsNotRefused,
  workersAreRefusedAfterTheirClaimsOnly,
  runsAreHandedOutOnce,
  oneWorkerAtATime,
  whatEndedDoesNotRunAgain,
  readsGoForward,
  theEndIsAsTold,
];

/** What is wrong with the history of one task, a line for each. */
export const checkTask = (entries: readonly Entry[], known: Surroundings): string[] =>
  checks.flatMap((check) => check(entries, known));
