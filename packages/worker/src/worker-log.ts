/** Where the worker reports on itself: as pino takes it, fields first. Never holds credentials. */
export interface WorkerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const silent = (): void => undefined;

export const silentLog: WorkerLog = { info: silent, warn: silent, error: silent };

/** One JSON line for each message. */
export const jsonLinesLog = (write: (line: string) => void, now: () => Date): WorkerLog => {
  const at = (level: string) => (fields: object, message: string) =>
    write(`${JSON.stringify({ time: now().toJSON(), level, message, ...fields })}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
};

/** An error as a text for a log. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
