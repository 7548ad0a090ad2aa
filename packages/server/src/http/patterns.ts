import type { Parameter } from './contract.ts';

const text = (pattern: RegExp): Parameter<string> => ({ pattern, parse: (value) => value });

/** The common value patterns of the API (one place; TypeBox shapes use their `.source`). */
export const slugidPattern = /^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;
export const identifierPattern = /^[a-zA-Z0-9-_]{1,38}$/;
export const taskQueueIdPattern = /^[a-zA-Z0-9-_]{1,38}\/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$/;
export const printableAsciiPattern = /^[\x20-\x7e]+$/;

/** Parameters of routes, by kind. */
export const parameters = {
  slugid: text(slugidPattern),
  identifier: text(identifierPattern),
  taskQueueId: text(taskQueueIdPattern),
  printableAscii: text(printableAsciiPattern),
  runId: {
    pattern: /^[1-9]*[0-9]+$/,
    // No task has more runs, and the database has no larger integers.
    parse: (value: string) => Math.min(Number(value), 2 ** 31 - 1),
  } satisfies Parameter<number>,
  limit: {
    pattern: /^[0-9]+$/,
    parse: (value: string) => Math.min(Number(value), 1000),
  } satisfies Parameter<number>,
  continuationToken: text(/./),
  boolean: {
    pattern: /^(true|false)$/,
    parse: (value: string) => value === 'true',
  } satisfies Parameter<boolean>,
  matching: text,
} as const;

/** The two query parameters of every listing. */
export const pagination = {
  continuationToken: parameters.continuationToken,
  limit: parameters.limit,
} as const;
