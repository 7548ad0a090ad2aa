import { type Io, remark } from './io.ts';
import type { Platform, PlatformSettings } from './platform.ts';
import { sharePlatform } from './shared-platform/index.ts';

/** Opens the platform of a run in a data folder, on a port that is free; says so on a terminal when it has to be started. */
export const openPlatform = (
  io: Io,
  folder: string,
  { project, ...settings }: Omit<PlatformSettings, 'data'> & { readonly project: string },
): Promise<Platform> => {
  const onStart = (): void => {
    if (io.stderr.isTTY) remark(io, `Starting the platform in ${folder} …`);
  };
  // The server checks the environment. By default its log does not mix with our output.
  const logLevel = (io.environment.logLevel ?? 'error') as NonNullable<PlatformSettings['logLevel']>;
  return sharePlatform({ data: folder, port: 0, logLevel, ...settings }, { project, onStart });
};
