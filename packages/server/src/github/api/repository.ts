import type { Call } from './github-api.ts';
import { CommitUnknown, GithubRefusal } from './refusals.ts';

/** Words at lines of a file. */
export interface Annotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly annotation_level: string;
  readonly message: string;
  readonly title?: string | null;
}

/** What a check run shows: titles and texts within GitHub's limits. */
export interface CheckOutput {
  readonly title: string;
  readonly summary: string;
  readonly text?: string;
  readonly annotations?: readonly Annotation[];
}

/** A check run as it is sent: the words are GitHub's. */
export interface CheckRun {
  readonly name: string;
  readonly external_id: string;
  readonly details_url: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion?: string;
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly output?: CheckOutput;
}

/** A commit status as it is sent. */
export interface Status {
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  readonly context?: string | undefined;
  readonly description?: string | undefined;
  readonly target_url?: string | undefined;
}

/** Where a comment goes: below a pull request, or at a commit. */
export type CommentPlace = { readonly number: number } | { readonly sha: string };

interface Comment {
  readonly body?: string;
}

/** A person or an organization, as payloads name them. */
export interface PullRequest {
  readonly number: number;
  readonly state: string;
  readonly title?: string;
  /** Null once the account is deleted. */
  readonly user: { readonly login: string } | null;
  readonly head: Branch;
  readonly base: Branch;
}
interface Branch {
  readonly ref: string;
  readonly sha: string;
  readonly user?: { readonly login: string } | null;
  readonly repo: {
    readonly id?: number;
    readonly full_name: string;
    readonly owner?: { readonly login?: string };
  } | null;
}

/** A file of a repository. */
export interface RepositoryFile {
  /** Of its content. */
  readonly sha: string;
  /** Undefined where it has none that can be read; then `why` is the end of a sentence about it. */
  readonly text: string | undefined;
  readonly why?: string;
}

interface Contents {
  readonly type?: string;
  readonly encoding?: string;
  readonly content?: string;
  readonly sha?: string;
  readonly size?: number;
  readonly target?: string;
}

// GitHub has more; nobody writes as much, and what is read is held in memory.
const fileBytesMax = 8 * 2 ** 20;

const textIn = ({ encoding, content = '' }: Contents): string | undefined =>
  encoding === 'base64' ? Buffer.from(content, 'base64').toString() : undefined;

/** The end of a sentence about what is no file that can be read. */
const whyUnread = ({ type, size = 0, target }: Contents): string | undefined => {
  if (type === 'dir') return 'it is a folder';
  // Links to files of the repository are followed by GitHub.
  if (type === 'symlink') return `it is a symbolic link to ${target ?? ''}, which is no file here`;
  if (type !== 'file') return `it is a ${type}`;
  return size > fileBytesMax ? `it has more than ${fileBytesMax / 2 ** 20} MiB` : undefined;
};

// As many as GitHub gives at most, and how far lists are read.
const [perPage, pagesMax] = [100, 10];

const undefinedAt =
  (...statuses: number[]) =>
  (error: unknown): undefined => {
    if (error instanceof GithubRefusal && statuses.includes(error.status)) return undefined;
    throw error;
  };

/** What the service asks of GitHub about one repository. What does not exist is undefined; other refusals are thrown. */
export class Repository {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** A file at a commit, or on the default branch when none is given. */
  async fileAt(path: string, ref?: string): Promise<RepositoryFile | undefined> {
    return this.#contents(path, ref).catch(undefinedAt(404));
  }

  /** The same at a commit that GitHub has named itself. Throws a CommitUnknown while it does not find that one. */
  async fileOf(path: string, sha: string): Promise<RepositoryFile | undefined> {
    return this.#contents(path, sha).catch((error: unknown) => {
      if (error instanceof GithubRefusal && /^No commit found/.test(error.message))
        throw new CommitUnknown(error.status, error.message);
      return undefinedAt(404)(error);
    });
  }

  async #contents(path: string, ref: string | undefined): Promise<RepositoryFile | undefined> {
    const route = 'GET /repos/{owner}/{repo}/contents/{path}';
    const found = await this.#call(route, {
      path,
      ...(ref === undefined ? {} : { ref }),
      // In its usual form GitHub refuses a file of more than a megabyte; in this one it tells of it.
      mediaType: { format: 'object' },
    });
    const contents: Contents = Array.isArray(found) ? { type: 'dir' } : (found as Contents);
    const { sha = '' } = contents;
    const why = whyUnread(contents);
    if (why !== undefined) return { sha, text: undefined, why };
    return { sha, text: textIn(contents) ?? (await this.#blob(sha)) };
  }

  /** The text of a file that is too large for its contents to be told with it. */
  async #blob(fileSha: string): Promise<string> {
    const found = await this.#call('GET /repos/{owner}/{repo}/git/blobs/{file_sha}', { file_sha: fileSha });
    return textIn(found as Contents) ?? '';
  }

  /** The commit that a tag (`tags/…`) or a branch stands for. */
  async commitOf(ref: string): Promise<string | undefined> {
    // GitHub says 422 of what is no name of a commit.
    const found = await this.#call('GET /repos/{owner}/{repo}/commits/{ref}', { ref }).catch(
      undefinedAt(404, 422),
    );
    return (found as { sha: string } | undefined)?.sha;
  }

  /** Whether somebody may push here, or is in the team that works here. */
  async isCollaborator(username: string): Promise<boolean> {
    const route = 'GET /repos/{owner}/{repo}/collaborators/{username}';
    const isOne = await this.#call(route, { username }).then(() => true, undefinedAt(404));
    return isOne ?? false;
  }

  /** The address that somebody shows to everybody; undefined where there is none. */
  async emailOf(username: string): Promise<string | undefined> {
    const found = await this.#call('GET /users/{username}', { username }).catch(undefinedAt(403, 404));
    const { email } = (found ?? {}) as { email?: unknown };
    return typeof email === 'string' && /^[^\s@]+@[^\s@]+$/.test(email) ? email : undefined;
  }

  pullRequest(number: number): Promise<PullRequest | undefined> {
    return this.#call('GET /repos/{owner}/{repo}/pulls/{number}', { number }).catch(
      undefinedAt(404),
    ) as Promise<PullRequest | undefined>;
  }

  /** Makes a check run; returns its ids. */
  async createCheckRun(sha: string, check: CheckRun): Promise<{ id: number; suiteId: number | undefined }> {
    const made = await this.#call('POST /repos/{owner}/{repo}/check-runs', { head_sha: sha, ...check });
    const { id, check_suite: suite } = made as { id: number; check_suite?: { id: number } };
    return { id, suiteId: suite?.id };
  }

  async updateCheckRun(id: number, check: CheckRun): Promise<void> {
    await this.#call('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', { check_run_id: id, ...check });
  }

  /** The annotations that a check run has, up to 1,000. */
  annotationsOf(id: number): Promise<Annotation[]> {
    return this.#listed<Annotation>('GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations', {
      check_run_id: id,
    });
  }

  /** The check run of a commit that has this external id, if there is one: many tasks may have one name. */
  async findCheckRun(sha: string, { name, external_id: externalId }: CheckRun): Promise<number | undefined> {
    const runs = await this.#listed<{ id: number; external_id?: string }>(
      'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      { ref: sha, check_name: name, filter: 'all' },
      (page) => (page as { check_runs: { id: number; external_id?: string }[] }).check_runs,
    );
    return runs.find((run) => run.external_id === externalId)?.id;
  }

  async createStatus(sha: string, status: Status): Promise<void> {
    await this.#call('POST /repos/{owner}/{repo}/statuses/{sha}', { sha, ...status });
  }

  async comment(place: CommentPlace, body: string): Promise<void> {
    await this.#call(
      'number' in place
        ? 'POST /repos/{owner}/{repo}/issues/{number}/comments'
        : 'POST /repos/{owner}/{repo}/commits/{sha}/comments',
      { ...place, body },
    );
  }

  /** Marks a comment below an issue or a pull request as read. */
  async acknowledge(commentId: number): Promise<void> {
    const route = 'POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions';
    await this.#call(route, { comment_id: commentId, content: '+1' });
  }

  /** Whether one of the comments that were written there since some time contains a text. */
  async hasComment(place: CommentPlace, text: string, since: Date): Promise<boolean> {
    const route =
      'number' in place
        ? 'GET /repos/{owner}/{repo}/issues/{number}/comments'
        : 'GET /repos/{owner}/{repo}/commits/{sha}/comments';
    // Those at commits cannot be asked for by time, but there are few.
    const comments = await this.#listed<Comment>(route, { ...place, since: since.toJSON() });
    return comments.some(({ body = '' }) => body.includes(text));
  }

  /** A list from all of its pages, up to 1,000 of its items. */
  async #listed<Item>(
    route: string,
    fields: Readonly<Record<string, unknown>>,
    itemsOf: (page: unknown) => Item[] = (page) => page as Item[],
  ): Promise<Item[]> {
    const found: Item[] = [];
    for (let page = 1; page <= pagesMax; page++) {
      const items = itemsOf(await this.#call(route, { ...fields, per_page: perPage, page }));
      found.push(...items);
      if (items.length < perPage) break;
    }
    return found;
  }
}
