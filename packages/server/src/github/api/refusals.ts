import { RequestError, seconds } from '../../base/index.ts';
import { waitMaxMs } from '../lifecycle.ts';

/** GitHub refused a call. The same call again would be refused again. */
export class GithubRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'GithubRefusal';
    this.status = status;
  }
}

/** GitHub does not find a commit. Right after a push it may not know it everywhere yet. */
export class CommitUnknown extends GithubRefusal {}

/** GitHub wants us to wait before we ask again. */
export class GithubIsBusy extends Error {
  readonly waitMs: number;
  constructor(waitMs: number, message: string) {
    super(message);
    this.name = 'GithubIsBusy';
    this.waitMs = waitMs;
  }
}

/** GitHub could not be reached, or had a fault of its own. The same call may well succeed later. */
class GithubTrouble extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GithubTrouble';
  }
}

interface Failed {
  readonly status: number;
  readonly message: string;
  readonly response?: { readonly headers: Readonly<Record<string, unknown>> } | undefined;
}

const isFailed = (error: unknown): error is Failed =>
  error instanceof Error && typeof (error as Partial<Failed>).status === 'number';

// What GitHub asks for without saying how long, and the least that it is given.
const [waitMs, waitMinMs] = [seconds(60), seconds(1)];

/** How long GitHub asks for patience; undefined when it does not. */
const waitOf = (failed: Failed, now: Date): number | undefined => {
  const asked = askedWait(failed, now);
  return asked === undefined ? undefined : Math.min(Math.max(asked, waitMinMs), waitMaxMs);
};

const askedWait = ({ status, message, response }: Failed, now: Date): number | undefined => {
  if (status !== 403 && status !== 429) return undefined;
  const headers = response?.headers ?? {};
  const after = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && after >= 0) return seconds(after);
  if (headers['x-ratelimit-remaining'] === '0') {
    const reset = seconds(Number(headers['x-ratelimit-reset'])) - now.getTime();
    return Number.isFinite(reset) ? reset : waitMs;
  }
  return status === 429 || /rate limit/i.test(message) ? waitMs : undefined;
};

/**
 * What a failed call means: a refusal, a request for patience, or trouble that passes (the network, a fault of
 * GitHub's own).
 */
export const meaningOf = (error: unknown, now: Date): unknown => {
  if (!isFailed(error)) return error;
  const wait = waitOf(error, now);
  if (wait !== undefined) return new GithubIsBusy(wait, error.message);
  if (error.status >= 400 && error.status < 500) return new GithubRefusal(error.status, error.message);
  // The library reports what broke off as 500, as GitHub does with its own faults; its error holds all that was sent.
  return new GithubTrouble(`${error.status}: ${error.message}`);
};

/** The same for callers of our methods. */
export const asAnswer = (error: unknown): unknown => {
  if (error instanceof GithubIsBusy)
    return new RequestError('TooManyRequests', `GitHub wants us to wait: ${error.message}`);
  if (error instanceof GithubTrouble)
    return new RequestError('ServiceUnavailable', `GitHub cannot be asked now: ${error.message}`);
  if (!(error instanceof GithubRefusal)) return error;
  const words = `GitHub refused: ${error.message}`;
  if (error.status === 404) return new RequestError('ResourceNotFound', words);
  if (error.status === 403) return new RequestError('ForbiddenByGithub', words);
  return new RequestError('InputError', words);
};
