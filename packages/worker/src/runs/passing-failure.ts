import { DownloadError } from '@taskyard/client';
import { WrongContent } from '../mounts/index.ts';

// The queue, the store of an artifact's bytes, the registry of an image or the server of a mount cannot be reached.
const namesOfPassing = ['UploadError', 'ConnectionError', 'Unavailable'];

/** Whether a failure is not the task's fault, and the task may succeed on another worker or later. */
export const isPassingFailure = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { statusCode } = error as { statusCode?: number };
  return namesOfPassing.includes(error.name) || (error.name === 'ApiError' && (statusCode ?? 0) >= 500);
};

/** Whether a file did not come though it may be there: its server is away, or has a fault of its own. */
export const isBrokenTransfer = (error: unknown): boolean => {
  if (!(error instanceof DownloadError) || error instanceof WrongContent) return false;
  const { statusCode } = error;
  return statusCode === undefined || statusCode >= 500 || statusCode === 429;
};
