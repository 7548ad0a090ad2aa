import type { PayloadContext } from './payload-context.ts';
import type { LogNames, TaskDescription } from './task-description.ts';

// Checks that both formats have in common.

/** Arguments that the operating system does not support, since its texts end at the first zero byte. */
export const hasZeroByte = (argv: readonly string[]): boolean =>
  argv.some((argument) => argument.includes('\0'));

/** Variables that cannot be in an environment. */
export const environmentErrors = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries(env).flatMap(([name, value]) =>
    /^[^=\0]+$/.test(name) && !value.includes('\0')
      ? []
      : [`payload/env: ${JSON.stringify(name)} cannot be an environment variable`],
  );

/** A task whose time limit is longer than this worker allows. */
export const runTimeErrors = (
  maxRunTime: number,
  { maxRunTimeSecondsMax: most }: PayloadContext,
): string[] =>
  maxRunTime <= most
    ? []
    : [`payload/maxRunTime is ${maxRunTime} s, but tasks may run for ${most} s on this worker`];

// Definitions are written by programs that count in whole seconds.
const toleranceMs = 1000;

/** An artifact that would be gone before the deadline, or outlive its task. */
export const expiryErrors = (
  expires: string | undefined,
  at: string,
  task: Pick<PayloadContext, 'deadline' | 'expires'>,
): string[] => {
  const end = expires === undefined ? +task.expires : Date.parse(expires);
  const isInTime = end >= +task.deadline - toleranceMs && end <= +task.expires + toleranceMs;
  const bounds = `the task's deadline (${task.deadline.toJSON()}) and its expiry (${task.expires.toJSON()})`;
  return isInTime ? [] : [`${at}/expires must lie between ${bounds}`];
};

/** When an artifact expires. It may not outlive its task by even the second that its own expiry may be off. */
export const expiryOf = (expires: string | undefined, { expires: end }: { expires: Date }): Date =>
  expires === undefined ? end : new Date(Math.min(Date.parse(expires), +end));

const certificateNames = [
  'public/logs/certified.log',
  'public/chain-of-trust.json',
  'public/chain-of-trust.json.sig',
];

const figuresNames = ['public/resource-usage.json'];

/** The artifact that leads to shells of a task; programs of the original's look for these. */
const shellNames = ['private/generic-worker/shell.html', 'private/docker-worker/shell.html'] as const;

/** The artifact that leads to shells of this task. */
export const shellNameOf = ({ image }: Pick<TaskDescription, 'image'>): string => shellNames[image ? 1 : 0];

export interface OwnArtifacts {
  readonly logs: string[];
  readonly chainOfTrust?: boolean | undefined;
  readonly figures?: boolean | undefined;
  readonly interactive?: boolean | undefined;
}

/** The artifacts that the worker itself makes for a task. No file of the task's may take the place of one. */
export const ownNamesOf = ({
  logs,
  hasLiveLog,
  hasBackingLog,
  features,
  keepsFigures,
}: Pick<
  TaskDescription,
  'logs' | 'hasLiveLog' | 'hasBackingLog' | 'features' | 'keepsFigures'
>): string[] => [
  ...uploadedLogs(logs, { hasLiveLog, hasBackingLog }),
  ...(features.chainOfTrust ? certificateNames : []),
  ...(keepsFigures ? figuresNames : []),
  ...(features.interactive ? shellNames : []),
];

/** The names of the logs that are uploaded. */
export const uploadedLogs = (
  { live, backing }: LogNames,
  { hasLiveLog, hasBackingLog }: Pick<TaskDescription, 'hasLiveLog' | 'hasBackingLog'>,
): string[] => [...(hasLiveLog ? [live] : []), ...(hasBackingLog ? [backing] : [])];

/** Artifacts in the place of the worker's own, which the queue would refuse after everything else is done. */
export const ownNameErrors = (
  names: readonly string[],
  { logs, chainOfTrust = false, figures = false, interactive = false }: OwnArtifacts,
): string[] => {
  const owners: [string[], string][] = [
    [logs, "is the name of the task's log"],
    [chainOfTrust ? certificateNames : [], 'is a name of the chain of trust'],
    [figures ? figuresNames : [], 'is the name of what the resource monitor saw'],
    [interactive ? [...shellNames] : [], 'is a name of what leads to shells'],
  ];
  return owners.flatMap(([own, what]) =>
    names.filter((name) => own.includes(name)).map((name) => `payload/artifacts: ${name} ${what}`),
  );
};

/** Names that no artifact can have, or one name for two things. */
export const logNameErrors = ({ live, backing }: LogNames, at: string): string[] => [
  ...[live, backing]
    .filter((name) => !/^[\x20-\x7e]{1,1024}$/.test(name))
    .map((name) => `${at}: ${JSON.stringify(name)} is not 1 to 1024 printable ASCII characters`),
  ...(live === backing ? [`${at}: live and backing are both ${live}`] : []),
];

/** The values that occur more than once. */
export const repeated = (values: readonly string[]): string[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];
