import { randomUUID } from 'node:crypto';
import { errorStatuses, isUnavailable, type Logger, PartyAway, RequestError } from '../base/index.ts';
import type { Contract } from './contract.ts';

export interface FailedRequest {
  readonly contract: Contract;
  readonly params: Readonly<Record<string, unknown>>;
  readonly payload: unknown;
  /** Whether the body is too large to be repeated in the error. */
  readonly isLarge: boolean;
  readonly time: Date;
}

export interface FailureReply {
  readonly status: number;
  readonly body: object;
}

/** Turns any thrown value into the API's error body. Bugs are logged with an incident id; callers see only the id. */
export const failureReply = (thrown: unknown, request: FailedRequest, log: Logger): FailureReply => {
  const error = thrown instanceof RequestError ? thrown : bugReport(thrown, request.contract, log);
  const status = errorStatuses[error.code];
  const time = request.time.toJSON();
  const about = [
    `* method:     ${request.contract.name}`,
    `* errorCode:  ${error.code}`,
    `* statusCode: ${status}`,
    `* time:       ${time}`,
  ].join('\n');
  const payload = request.contract.secretInput || request.isLarge ? {} : (request.payload ?? {});
  return {
    status,
    body: {
      code: error.code,
      message: `${cut(error.message)}\n\n---\n\n${about}`,
      requestInfo: { method: request.contract.name, params: request.params, payload, time },
      ...(error.errors ? { errors: error.errors } : {}),
    },
  };
};

const messageCharactersMax = 50_000;

const cut = (text: string): string =>
  text.length > messageCharactersMax ? `${text.slice(0, messageCharactersMax)}…` : text;

const bugReport = (thrown: unknown, contract: Contract, log: Logger): RequestError => {
  const incidentId = randomUUID();
  if (isUnavailable(thrown)) {
    log.warn({ err: thrown, method: contract.name, incidentId }, 'a request failed: the database is away');
    return new RequestError(
      'ServiceUnavailable',
      'The database cannot be reached now; try again. The request may have taken effect all the same.',
    );
  }
  if (thrown instanceof PartyAway) {
    log.warn(
      { err: thrown, method: contract.name, incidentId },
      'a request failed: something it needs is away',
    );
    return new RequestError(
      'ServiceUnavailable',
      `${thrown.party} cannot be reached now; try again. The request may have taken effect all the same.`,
    );
  }
  log.error({ err: thrown, method: contract.name, incidentId }, 'a request failed by a fault of the server');
  return new RequestError(
    'InternalServerError',
    `Something went wrong inside the server. Its log has more under incident ${incidentId}.`,
  );
};
