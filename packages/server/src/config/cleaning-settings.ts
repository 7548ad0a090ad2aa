import { Type } from 'typebox';
import { whole } from './setting-shapes.ts';

/** How large the data folder may become, and how old what is in it. */
export const cleaningSettings = Type.Object({
  artifactDays: Type.Optional(
    whole(0, 36_500, {
      env: 'CLEAN_ARTIFACT_DAYS',
      description:
        'Artifacts on disk are deleted this many days after they were made, once their task, its group and all tasks that ' +
        'depend on it have ended. By default they stay until they expire.',
    }),
  ),
  logDays: Type.Optional(
    whole(0, 36_500, {
      env: 'CLEAN_LOG_DAYS',
      description: 'The same for logs of tasks (`public/logs/…`); by default as for other artifacts.',
    }),
  ),
  artifactMiB: Type.Optional(
    whole(0, 1_000_000_000, {
      env: 'CLEAN_ARTIFACT_MIB',
      description:
        'The most that artifacts on disk may take, in MiB. Beyond it the oldest of them are deleted, once their ' +
        'tasks have ended as above. By default there is no limit.',
    }),
  ),
  cacheDays: whole(0, 36_500, {
    env: 'CLEAN_CACHE_DAYS',
    default: 30,
    description:
      'Caches and downloads in `local-workers/` are deleted when no task has used them for this many days.',
  }),
  cacheMiB: whole(0, 1_000_000_000, {
    env: 'CLEAN_CACHE_MIB',
    default: 20_480,
    description:
      'The most that they may take together, in MiB; those that were used longest ago are deleted first. Those of ' +
      'workers that run stay.',
  }),
  logMiB: whole(1, 1_000_000, {
    env: 'CLEAN_LOG_MIB',
    default: 16,
    description:
      'The most that each log file of the platform in the data folder may have, in MiB. Of a longer one the last ' +
      'part is kept beside it.',
  }),
});
