import { type Loop, minutes } from '../base/index.ts';
import { type Room, renewEncryption } from './service.ts';
import * as store from './store.ts';

/** Background work: forgets what has expired, which nobody can read since, and lets old keys go. */
export const secretLoops = (room: Room): readonly Loop[] => [
  {
    name: 'expire-secrets',
    everyMs: minutes(10),
    limit: 1000,
    step: (limit) => store.deleteExpired(room.db, room.clock.now(), limit),
  },
  {
    name: 'renew-encryption-of-secrets',
    everyMs: minutes(10),
    // Each may have 10 MiB.
    limit: 10,
    step: (limit) => renewEncryption(room, limit),
  },
];
