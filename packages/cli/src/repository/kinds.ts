import { basename } from 'node:path';

// What the command line asks before it knows whether it needs the rest of this folder.

/** What `--event` takes. */
export const eventKinds = [
  'push',
  'pull-request',
  'pull-request-untrusted',
  'tag',
  'release',
  'comment',
  'cron',
  'action',
  'pr-action',
] as const;
export type EventKind = (typeof eventKinds)[number];

/** Whether a file is of the original's kind; graph files have another. */
export const isTaskclusterYml = (file: string): boolean => /^\.taskcluster\.ya?ml$/.test(basename(file));
