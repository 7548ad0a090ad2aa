import { dirname, resolve } from 'node:path';
import {
  type Fields,
  isFields,
  type Mistake,
  type Source,
  validatorOf,
} from '@taskyard/taskcluster-yml/template';
import type { Schema } from './schema.ts';

/** A folder of this machine whose files tasks work on; an absolute path. */
export interface FolderSource {
  readonly kind: 'folder';
  readonly folder: string;
  /** The parts of the folder that tasks need, relative to it; without them, everything that git does not ignore. */
  readonly paths?: readonly string[];
}

/** A commit of a git repository. */
export interface GitSource {
  readonly kind: 'git';
  readonly url: string;
  /** A full hash, or the name of a branch or tag. */
  readonly commit: string;
  /** The name of a secret of the secrets service that opens the repository. */
  readonly secret?: string;
}

/** The source of the files that the tasks of a graph work on. */
export type Origin = FolderSource | GitSource;

const commitSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['git', 'commit'],
  properties: {
    git: {
      type: 'string',
      pattern: '^(https?://|ssh://|file://|/|[A-Za-z0-9_.-]+@[^:]+:)',
      maxLength: 4096,
      description: 'The address of a git repository.',
    },
    commit: {
      type: 'string',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_./+-]*$',
      maxLength: 255,
      description: 'The full hash of a commit, or the name of a branch or tag.',
    },
    secret: {
      type: 'string',
      minLength: 1,
      maxLength: 1024,
      description: 'The name of a secret: {token}, {username, password} or {sshKey}.',
    },
  },
};

const folderSchema: Schema = {
  type: 'string',
  minLength: 1,
  description: "A folder, relative to the graph file's own.",
};

const pathsSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['paths'],
  properties: {
    folder: { ...folderSchema, description: "A folder, relative to the graph file's own; `.` unless given." },
    paths: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', pattern: '^(?!/)(?!(.*/)?\\.\\.(/|$)).+$' },
      description: 'The files and folders of it that tasks need. What git ignores is packed if it is named.',
    },
  },
};

/** The schema of `source` in a graph file. */
export const originSchema: Schema = {
  description: 'The files that tasks find in their directory: a folder, or a commit of a git repository.',
  anyOf: [folderSchema, pathsSchema, commitSchema],
};

// Only the intended form is checked, since the errors of the other would hide its own.
const checkFolder = validatorOf(folderSchema);
const checkPaths = validatorOf(pathsSchema);
const checkCommit = validatorOf(commitSchema);

const refusalOf = (value: Fields): string | undefined => {
  const { username, password } = URL.parse(String(value.git)) ?? {};
  return password || (username && /^https?:/.test(String(value.git)))
    ? 'git: the address holds a password or token; keep it as a secret and give its name as "secret"'
    : undefined;
};

/** Reads a rendered `source`. Without one, there is no origin. */
export const readOrigin = (source: Source, value: unknown): { origin?: Origin; mistakes: Mistake[] } => {
  if (value === undefined || value === null || value === false) return { mistakes: [] };
  const hasPaths = isFields(value) && ('paths' in value || 'folder' in value);
  const check = hasPaths ? checkPaths : isFields(value) ? checkCommit : checkFolder;
  const refusals = check(value);
  const mistakes = refusals.map(({ path, message }) =>
    source.mistake(['source', ...path], `source: ${message}`),
  );
  if (mistakes.length > 0) return { mistakes };
  const folderAt = (path: string): string => resolve(dirname(resolve(source.file)), path);
  if (!isFields(value)) return { origin: { kind: 'folder', folder: folderAt(String(value)) }, mistakes: [] };
  if (hasPaths) {
    const { folder = '.', paths } = value as { folder?: string; paths: string[] };
    return { origin: { kind: 'folder', folder: folderAt(folder), paths }, mistakes: [] };
  }
  const refusal = refusalOf(value);
  if (refusal !== undefined) return { mistakes: [source.mistake(['source', 'git'], `source: ${refusal}`)] };
  const { git, commit, secret } = value as { git: string; commit: string; secret?: string };
  return {
    origin: { kind: 'git', url: git, commit, ...(secret !== undefined && { secret }) },
    mistakes: [],
  };
};
