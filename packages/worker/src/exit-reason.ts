/** Why a worker has ended, and the status with which its process then exits: as the original's workers do. */
export const exitCodes = {
  /** It has lived for long enough. */
  lifetime: 0,
  /** It had nothing to do for long enough. */
  idle: 68,
  /** Its registration could not be renewed. */
  expired: 69,
  /** worker-manager wanted it to go. */
  terminated: 70,
  /** It was told to: SIGTERM, Ctrl-C. */
  stopped: 71,
  /** Its cloud takes the machine back, or may do so soon. */
  interrupted: 72,
} as const;
export type ExitReason = keyof typeof exitCodes;
