import { RequestError } from '../../../base/index.ts';

/** Refuses because the operator has not configured the other service; names the missing setting. */
export const notConfigured = (party: string, setting: string): never => {
  throw new RequestError(
    'ResourceNotFound',
    `This server gives out no ${party}: its operator has to set ${setting} for that.`,
  );
};
