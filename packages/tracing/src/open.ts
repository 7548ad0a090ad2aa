import { type TracingSettings, targetOf } from './config.ts';
import type { Tracing } from './tracing.ts';

/** Who exports. */
export interface TracingSource {
  /** Its `service.name`, unless the environment has another. */
  readonly service: string;
  /** Told why traces cannot be exported, once until they can be again. */
  readonly onError: (reason: string) => void;
}

/**
 * Opens what exports traces. Undefined where no endpoint is set, or where the environment switches traces off: then
 * nothing of OpenTelemetry is loaded.
 */
export const openTracing = async (
  settings: TracingSettings,
  source: TracingSource,
  environment?: NodeJS.ProcessEnv,
): Promise<Tracing | undefined> => {
  const target = targetOf(settings, environment);
  if (!target) return undefined;
  if ('obstacle' in target) {
    source.onError(target.obstacle);
    return undefined;
  }
  const { exportTo } = await import('./exporting.ts');
  return exportTo(target.url, source);
};
