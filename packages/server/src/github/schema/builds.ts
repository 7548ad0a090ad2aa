/** What becomes of a build: the words of commit statuses, and one for those that a newer one replaced. */
export const buildStates = ['pending', 'success', 'error', 'failure', 'cancelled'] as const;
export type BuildState = (typeof buildStates)[number];
