import {
  type Annotation,
  type CheckOutput,
  type CheckRun,
  GithubRefusal,
  type Repository,
} from '../api/index.ts';

/** A check run that GitHub has, or is to have. */
export interface Sending {
  readonly repository: Repository;
  readonly sha: string;
  /** None before it was made. */
  readonly checkRunId: number | null;
  /** An earlier attempt may have made it, and not lived to write that down. */
  readonly isRepeated: boolean;
}

const isRefusedAs = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof GithubRefusal && statuses.includes(error.status);

/** Without what GitHub may find fault with: a check without words is better than one that stays in progress for ever. */
const withoutText = ({ output: _output, ...check }: CheckRun): CheckRun => check;

const withoutAnnotations = ({ output, ...check }: CheckRun): CheckRun => {
  if (!output) return check;
  const { annotations: _annotations, ...words } = output;
  return { ...check, output: words };
};

// As many as GitHub takes at once. It adds them to those that are there.
const annotationsAtOnce = 50;

/** A check in the calls that it takes: each brings some of its annotations. */
const inSteps = (check: CheckRun): CheckRun[] => {
  const { output } = check;
  const all = output?.annotations ?? [];
  const steps = [];
  for (let at = 0; at < all.length; at += annotationsAtOnce)
    steps.push(all.slice(at, at + annotationsAtOnce));
  const plain = withoutAnnotations(check);
  if (steps.length === 0) return [plain];
  return steps.map((annotations) => ({ ...plain, output: { ...(output as CheckOutput), annotations } }));
};

const keyOf = ({ path, start_line, end_line, annotation_level, message, title }: Annotation): string =>
  JSON.stringify([path, start_line, end_line, annotation_level, message, title ?? '']);

/**
 * The check with those annotations that are not there yet, from an earlier attempt or an earlier run of the task: GitHub
 * adds what it gets, and takes nothing back.
 */
const withWhatIsMissing = async ({ repository, checkRunId }: Sending, check: CheckRun): Promise<CheckRun> => {
  const { output } = check;
  if (checkRunId === null || !output?.annotations?.length) return check;
  const there = new Map<string, number>();
  for (const key of (await repository.annotationsOf(checkRunId)).map(keyOf))
    there.set(key, (there.get(key) ?? 0) + 1);
  const annotations = output.annotations.filter((annotation) => {
    const left = there.get(keyOf(annotation)) ?? 0;
    there.set(keyOf(annotation), left - 1);
    return left <= 0;
  });
  return { ...check, output: { ...output, annotations } };
};

const put = async (sending: Sending, check: CheckRun): Promise<number> => {
  const { repository, sha, checkRunId } = sending;
  const [first = check, ...more] = inSteps(await withWhatIsMissing(sending, check));
  const id = checkRunId ?? (await repository.createCheckRun(sha, first)).id;
  if (checkRunId !== null) await repository.updateCheckRun(id, first);
  for (const step of more)
    await repository.updateCheckRun(id, step).catch((error: unknown) => {
      // The check is there, with those before these.
      if (!isRefusedAs(error, 404, 422)) throw error;
    });
  return id;
};

/** Makes GitHub show a check as it is; returns the id of its check run. */
export const sendCheck = async (sending: Sending, check: CheckRun): Promise<number> => {
  const { repository, sha, isRepeated } = sending;
  const found = sending.checkRunId ?? (isRepeated ? await repository.findCheckRun(sha, check) : undefined);
  const known = { ...sending, checkRunId: found ?? null };
  const fewer = check.output?.annotations ? [withoutAnnotations(check)] : [];
  for (const form of [check, ...fewer]) {
    try {
      return await put(known, form);
    } catch (error) {
      if (!isRefusedAs(error, 404, 422)) throw error;
    }
  }
  try {
    return await put(known, withoutText(check));
  } catch (error) {
    // A check run that is gone, or that may not begin again, is followed by another one of its name.
    if (known.checkRunId === null || !isRefusedAs(error, 404, 422)) throw error;
    return put({ ...known, checkRunId: null }, withoutText(check));
  }
};
