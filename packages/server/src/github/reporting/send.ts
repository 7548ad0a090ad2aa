import { type CheckRun, GithubRefusal, type Repository } from '../api/index.ts';

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

const put = async ({ repository, sha, checkRunId }: Sending, check: CheckRun): Promise<number> => {
  if (checkRunId === null) return (await repository.createCheckRun(sha, check)).id;
  await repository.updateCheckRun(checkRunId, check);
  return checkRunId;
};

/** Makes GitHub show a check as it is; returns the id of its check run. */
export const sendCheck = async (sending: Sending, check: CheckRun): Promise<number> => {
  const { repository, sha, isRepeated } = sending;
  const found = sending.checkRunId ?? (isRepeated ? await repository.findCheckRun(sha, check) : undefined);
  const known = { ...sending, checkRunId: found ?? null };
  try {
    return await put(known, check);
  } catch (error) {
    if (!isRefusedAs(error, 404, 422)) throw error;
  }
  try {
    return await put(known, withoutText(check));
  } catch (error) {
    // A check run that is gone, or that may not begin anew, is followed by another one of its name.
    if (known.checkRunId === null || !isRefusedAs(error, 404, 422)) throw error;
    return put({ ...known, checkRunId: null }, withoutText(check));
  }
};
