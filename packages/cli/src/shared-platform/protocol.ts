import { join } from 'node:path';

// How runs and the platform that they share speak: lines of JSON over a connection on the loopback device, which a run
// holds as long as it needs the platform. The system closes it even if the run is killed.

/** Where the platform takes runs in: a file that only the user can read. */
export interface Reception {
  readonly port: number;
  readonly token: string;
}

export const receptionFile = (data: string): string => join(data, 'platform.json');

/** What a run says. */
export type FromRun =
  | { readonly type: 'hello'; readonly token: string }
  /** It is about to create this group. */
  | { readonly type: 'begin'; readonly taskGroupId: string }
  /** It needs the platform no more. */
  | { readonly type: 'goodbye' };

/** What the platform says: each line once it has done what the run said. After a goodbye it closes the connection. */
export type FromPlatform = { readonly type: 'welcome' } | { readonly type: 'begun' };

/** What the platform's process tells the one that has started it. */
export type Started = { readonly type: 'ready' } | { readonly type: 'failed'; readonly message: string };
