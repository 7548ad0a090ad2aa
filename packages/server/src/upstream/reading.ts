import { type Clock, inPath, later, seconds } from '../base/index.ts';
import type { Published } from './lifecycle.ts';

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

/** The other deployment could not be asked: a sentence. */
export class UpstreamTrouble extends Error {}

const [callMs, restMs] = [seconds(10), seconds(30)];
const [pathsAtOnce, pagesMax] = [500, 10];

interface Page {
  readonly continuationToken?: string;
}

/** Reads what another deployment has published, without credentials. */
export class UpstreamReading {
  readonly #rootUrl: string;
  readonly #clock: Clock;
  #trouble: { readonly until: Date; readonly error: UpstreamTrouble } | undefined;

  constructor(rootUrl: string, clock: Clock) {
    this.#rootUrl = rootUrl.replace(/\/+$/, '');
    this.#clock = clock;
  }

  /** The entries at these paths; empty paths are left out. */
  async entriesAt(paths: readonly string[]): Promise<Entry[]> {
    const found: Entry[] = [];
    for (let at = 0; at < paths.length; at += pathsAtOnce) {
      const body = { indexes: paths.slice(at, at + pathsAtOnce) };
      const page = await this.#call<{ tasks: Entry[] }>('index/v1/tasks/indexes', body);
      found.push(...(page?.tasks ?? []));
    }
    return found;
  }

  /** The definition of a task, and the number of its last run; undefined unless that has completed. */
  async taskOf(taskId: string): Promise<{ definition: Published; runId: number } | undefined> {
    const [answer, definition] = await Promise.all([
      this.#call<{ status: { state: string; runs: object[] } }>(`queue/v1/task/${taskId}/status`),
      this.#call<Published>(`queue/v1/task/${taskId}`),
    ]);
    if (answer?.status.state !== 'completed' || !definition) return undefined;
    return { definition, runId: answer.status.runs.length - 1 };
  }

  /** The artifacts of a run that everybody may read. */
  async artifactsOf(taskId: string, runId: number): Promise<PublishedArtifact[]> {
    const found: PublishedArtifact[] = [];
    const path = `queue/v1/task/${taskId}/runs/${runId}/artifacts`;
    let token: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const query = token === undefined ? '' : `?continuationToken=${encodeURIComponent(token)}`;
      const read = await this.#call<Page & { artifacts: (PublishedArtifact & { storageType: string })[] }>(
        path + query,
      );
      for (const { name, contentType, expires, storageType } of read?.artifacts ?? [])
        if (name.startsWith('public/') && storageType !== 'error')
          found.push({ name, contentType, expires, url: this.#urlOf(`${path}/${inPath(name)}`) });
      token = read?.continuationToken;
      if (token === undefined) break;
    }
    return found;
  }

  #urlOf(path: string): string {
    return `${this.#rootUrl}/api/${path}`;
  }

  /** What a method answers; undefined when there is nothing, or not for everybody. Posts the body, if there is one. */
  async #call<T>(path: string, body?: object): Promise<T | undefined> {
    const now = this.#clock.now();
    if (this.#trouble && now < this.#trouble.until) throw this.#trouble.error;
    try {
      const reply = await fetch(this.#urlOf(path), {
        signal: AbortSignal.timeout(callMs),
        ...(body && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      if ([401, 403, 404].includes(reply.status)) {
        await reply.body?.cancel();
        return undefined;
      }
      if (!reply.ok) throw new Error(`it answers ${reply.status}`);
      return (await reply.json()) as T;
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error && cause.message !== '' ? cause.message : message;
      const trouble = new UpstreamTrouble(`${this.#rootUrl} could not be asked for it: ${why}.`);
      this.#trouble = { until: later(now, restMs), error: trouble };
      throw trouble;
    }
  }
}
