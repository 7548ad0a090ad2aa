import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

/** Fields that may hold a secret wherever they appear in a log line. */
const secrets = ['accessToken', 'authorization', 'password', 'secret', 'certificate', 'bewit', 'key'];

export interface LogOptions {
  readonly level: string;
  /** Part of every line when several processes write to one log. */
  readonly processName?: string | undefined;
  /** Where lines go; standard error by default, since standard output is for results. */
  readonly destination?: number;
}

/** The parts of an error that are logged. Errors of drivers can refer to whole connections, passwords included. */
const describeError = (error: unknown) => {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  return { type: name, message, code, detail, stack, ...(cause ? { cause: String(cause) } : {}) };
};

/** Structured logs: one JSON object a line, secrets redacted. */
export const createLog = ({ level, processName, destination = 2 }: LogOptions): Logger =>
  pino(
    {
      level,
      base: processName === undefined ? null : { process: processName },
      serializers: { err: describeError },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    pino.destination({ dest: destination, sync: true }),
  );

/** A log for tests and tools that says nothing. */
export const silentLog: Logger = pino({ level: 'silent' });
