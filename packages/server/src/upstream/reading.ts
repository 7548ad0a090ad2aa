import { type Clock, inPath, later, minutes, RequestError, seconds } from '../base/index.ts';
import { slugidPattern } from '../http/index.ts';
import { isWithin, type Published } from './lifecycle.ts';

/** An entry of the other deployment's index. */
export interface Entry {
  readonly namespace: string;
  readonly taskId: string;
  readonly rank: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly expires: string;
}

export interface PublishedArtifact {
  readonly name: string;
  readonly contentType: string;
  readonly expires: string;
  /** Where everybody can read it. */
  readonly url: string;
}

/** The other deployment could not be asked. The message is a sentence for the user. */
export class UpstreamTrouble extends Error {}

/** The other deployment shows this only to callers with credentials; it may show other things to everybody. */
export class UpstreamRefusal extends UpstreamTrouble {}

const callMsMax = seconds(10);
// How long it is left alone after a failure, unless it says how long itself.
const [restMs, restMsMax] = [seconds(30), minutes(5)];
const [pathsAtOnce, pagesMax, answerBytesMax] = [500, 50, 16 * 2 ** 20];
// What one task may have: its artifacts are held in memory together, and are written in one transaction.
const [artifactsMax, artifactsBytesMax] = [10_000, 16 * 2 ** 20];

/** The other deployment has a fault: for some time it is not asked anything, since the next question would fail, too. */
class Ailing extends Error {
  readonly restMs: number;
  constructor(message: string, rest = restMs) {
    super(message);
    this.restMs = rest;
  }
}

const ailingBy = (reply: Response): Ailing => {
  const after = Number(reply.headers.get('retry-after'));
  return new Ailing(`it answers ${reply.status}`, after > 0 ? Math.min(seconds(after), restMsMax) : restMs);
};

const isAiling = ({ status }: Response): boolean => status >= 500 || status === 429 || status < 400;

interface Page {
  readonly continuationToken?: string;
}

/** Reads what another deployment has published, without credentials. */
export class UpstreamReading {
  readonly #rootUrl: string;
  readonly #clock: Clock;
  readonly #callMs: number;
  #trouble: { readonly until: Date; readonly error: UpstreamTrouble } | undefined;

  /** `callMs`: how long one call may take. */
  constructor(rootUrl: string, clock: Clock, callMs = callMsMax) {
    this.#callMs = callMs;
    this.#rootUrl = rootUrl.replace(/\/+$/, '');
    this.#clock = clock;
  }

  /** The entries at these paths; empty paths are left out. */
  async entriesAt(paths: readonly string[]): Promise<Entry[]> {
    const found: Entry[] = [];
    for (let at = 0; at < paths.length; at += pathsAtOnce) {
      const body = { indexes: paths.slice(at, at + pathsAtOnce) };
      const page = await this.#call<{ tasks?: Entry[] }>('index/v1/tasks/indexes', body);
      // What it names without having been asked would replace entries of this side.
      const wanted = new Set(body.indexes);
      found.push(
        ...(page?.tasks ?? []).filter(
          // An id becomes a part of addresses and of a task here.
          ({ namespace, taskId }) =>
            wanted.has(namespace) && typeof taskId === 'string' && slugidPattern.test(taskId),
        ),
      );
    }
    return found;
  }

  /** The definition of a task, and the number of its last run; undefined unless that has completed. */
  async taskOf(taskId: string): Promise<{ definition: Published; runId: number } | undefined> {
    const [answer, definition] = await Promise.all([
      this.#call<{ status?: { state: string; runs: object[] } }>(`queue/v1/task/${taskId}/status`),
      this.#call<Published>(`queue/v1/task/${taskId}`),
    ]);
    if (answer?.status?.state !== 'completed' || !definition) return undefined;
    return { definition, runId: answer.status.runs.length - 1 };
  }

  /** The artifacts of a run that everybody may read, all of them. */
  async artifactsOf(taskId: string, runId: number): Promise<PublishedArtifact[]> {
    const found: PublishedArtifact[] = [];
    let bytes = 0;
    const path = `queue/v1/task/${taskId}/runs/${runId}/artifacts`;
    let token: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const query = token === undefined ? '' : `?continuationToken=${encodeURIComponent(token)}`;
      const read = await this.#call<Page & { artifacts?: (PublishedArtifact & { storageType: string })[] }>(
        path + query,
      );
      for (const { name, contentType, expires, storageType } of read?.artifacts ?? []) {
        if (!name.startsWith('public/') || storageType === 'error') continue;
        found.push({ name, contentType, expires, url: this.#urlOf(`${path}/${inPath(name)}`) });
        bytes += Buffer.byteLength(name) + Buffer.byteLength(contentType);
      }
      if (found.length > artifactsMax || bytes > artifactsBytesMax) break;
      token = read?.continuationToken;
      // Some deployments end a list with an empty one.
      if (token === undefined || token === '') return found;
    }
    throw new RequestError('InputError', 'It has too many artifacts.');
  }

  #urlOf(path: string): string {
    return `${this.#rootUrl}/api/${path}`;
  }

  /**
   * What a method answers; undefined when there is nothing of that name. Posts the body, if there is one. Throws an
   * UpstreamTrouble where it cannot be asked, an UpstreamRefusal where it does not show that to everybody.
   */
  async #call<T extends object>(path: string, body?: object): Promise<T | undefined> {
    if (this.#trouble && isWithin(this.#trouble.until, this.#clock.now(), restMsMax))
      throw this.#trouble.error;
    try {
      const reply = await fetch(this.#urlOf(path), {
        signal: AbortSignal.timeout(this.#callMs),
        // It could lead to any address that this machine reaches.
        redirect: 'manual',
        ...(body && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      if (reply.ok) return await objectIn<T>(reply);
      await reply.body?.cancel();
      if (isAiling(reply)) throw ailingBy(reply);
      if (reply.status === 401 || reply.status === 403) throw this.#refusal(path, reply.status);
      return undefined;
    } catch (error) {
      if (error instanceof UpstreamRefusal) throw error;
      const trouble = new UpstreamTrouble(
        `${this.#rootUrl} could not be asked for it: ${this.#reasonOf(error)}.`,
      );
      const rest = error instanceof Ailing ? error.restMs : restMs;
      this.#trouble = { until: later(this.#clock.now(), rest), error: trouble };
      throw trouble;
    }
  }

  #reasonOf(error: unknown): string {
    const { name, message, cause } = error as Error;
    if (name === 'TimeoutError') return `it takes longer than ${this.#callMs / 1000} s`;
    return cause instanceof Error && cause.message !== '' ? cause.message : message;
  }

  #refusal(path: string, status: number): UpstreamRefusal {
    const what = path.replace(/\?.*/, '');
    return new UpstreamRefusal(`${this.#rootUrl} wants credentials for ${what}: it answers ${status}.`);
  }
}

/** The JSON of a reply. What is too long, or no object, is no answer of a server of this kind. */
const objectIn = async <T extends object>(reply: Response): Promise<T> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Ailing(`its answer is longer than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    const value = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // Some page for people: of a proxy that wants a password, for example.
  }
  throw new Ailing('its answer is not JSON of such a server');
};
