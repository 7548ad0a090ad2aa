/** Why a worker has ended, and the exit status of its process, as in the original's workers. */
export const exitCodes = {
  /** It has lived for long enough. */
  lifetime: 0,
  /** It was idle for long enough. */
  idle: 68,
  /** Its registration could not be renewed. */
  expired: 69,
  /** worker-manager wanted it to end. */
  terminated: 70,
  /** It was told to: SIGTERM, Ctrl-C. */
  stopped: 71,
  /** Its cloud reclaims the machine, or may do so soon. */
  interrupted: 72,
} as const;
export type ExitReason = keyof typeof exitCodes;
