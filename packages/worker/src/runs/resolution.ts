/** The end of a run, as it is reported to the queue. */
export type Resolution =
  | { readonly state: 'completed' }
  | { readonly state: 'failed' }
  | {
      readonly state: 'exception';
      readonly reason: ExceptionReason;
      /** What the task asked for, an image or a mount, could not be had: other tasks may well run here. */
      readonly lacksInput?: boolean;
    };

export type ExceptionReason =
  | 'worker-shutdown'
  | 'malformed-payload'
  | 'resource-unavailable'
  | 'internal-error'
  | 'intermittent-task';

export const completed: Resolution = { state: 'completed' };
export const failed: Resolution = { state: 'failed' };
export const exception = (reason: ExceptionReason): Resolution => ({ state: 'exception', reason });
