// The queue, the store of an artifact's bytes or the registry of an image cannot be reached.
const namesOfPassing = ['UploadError', 'ConnectionError', 'ImageUnavailable'];

/** Whether a failure is not the task's fault, and the task may succeed on another worker or later. */
export const isPassingFailure = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { statusCode } = error as { statusCode?: number };
  return namesOfPassing.includes(error.name) || (error.name === 'ApiError' && (statusCode ?? 0) >= 500);
};

const brokenConnections = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** Whether a file did not come though it may be there: its server is away, or has a fault of its own. */
export const isBrokenTransfer = (error: unknown): boolean => {
  const { name, statusCode, code } = error as { name?: string; statusCode?: number; code?: string };
  if (name !== 'DownloadError') return brokenConnections.includes(code ?? '');
  return statusCode === undefined || statusCode >= 500 || statusCode === 429;
};
