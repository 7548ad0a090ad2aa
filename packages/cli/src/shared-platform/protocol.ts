import { join } from 'node:path';

// The protocol between runs and their shared platform: lines of JSON over a connection on the loopback device, which a run
// keeps open as long as it needs the platform. The system closes it even if the run is killed.

/** How runs connect to the platform, in a file that only the user can read. */
export interface Reception {
  readonly port: number;
  readonly token: string;
}

export const receptionFile = (data: string): string => join(data, 'platform.json');

/** The messages of a run. */
export type FromRun =
  | { readonly type: 'hello'; readonly token: string }
  /** It is about to create this group. */
  | { readonly type: 'begin'; readonly taskGroupId: string }
  /** It no longer needs the platform. */
  | { readonly type: 'goodbye' };

/** The replies of the platform, each when the request is done. After a goodbye it closes the connection. */
export type FromPlatform = { readonly type: 'welcome' } | { readonly type: 'begun' };

/** The messages of the platform's process to the run that has started it. */
export type Started = { readonly type: 'ready' } | { readonly type: 'failed'; readonly message: string };
