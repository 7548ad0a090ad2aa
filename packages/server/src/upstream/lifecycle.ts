import { later, minutes } from '../base/index.ts';

/** The queue of tasks that were brought here. No worker claims from it. */
export const taskQueueId = 'upstream/published';
export const worker = { workerGroup: 'upstream', workerId: 'published' };

/** Whether a task was brought here. */
export const isCopy = (task: { readonly taskQueueId: string } | undefined): boolean =>
  task?.taskQueueId === taskQueueId;

/** Whether a wait that takes this long at most goes on. One that would take longer began before the clock was set back. */
export const isWithin = (until: Date, now: Date, mostMs: number): boolean =>
  now < until && until <= later(now, mostMs);

/** A definition as another deployment gives it. */
export interface Published {
  readonly expires?: string;
  readonly metadata: object;
  readonly payload: object;
  readonly tags?: object;
  readonly extra?: object;
}

// It is completed at once.
const deadlineMs = minutes(10);

/** The earlier of two dates, but not before a third. */
const within = (one: Date, other: Date, least: Date): Date =>
  new Date(Math.max(Math.min(one.getTime(), other.getTime()), least.getTime()));

/** What is created here for a task that is published elsewhere until `expires`. */
export const copyOf = (
  { metadata, payload, tags = {}, extra = {}, ...task }: Published,
  { now, expires }: { readonly now: Date; readonly expires: Date },
): object => {
  const deadline = later(now, deadlineMs);
  return {
    taskQueueId,
    schedulerId: 'upstream',
    created: now.toJSON(),
    deadline: deadline.toJSON(),
    expires: within(
      task.expires === undefined ? expires : new Date(task.expires),
      expires,
      deadline,
    ).toJSON(),
    retries: 0,
    metadata,
    payload,
    tags,
    extra,
  };
};
