// The queue, the store of an artifact's bytes or the registry of an image cannot be reached.
const namesOfPassing = ['UploadError', 'ConnectionError', 'ImageUnavailable'];

/** Whether a failure is not the task's fault, and the task may succeed on another worker or later. */
export const isPassingFailure = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { statusCode } = error as { statusCode?: number };
  return namesOfPassing.includes(error.name) || (error.name === 'ApiError' && (statusCode ?? 0) >= 500);
};
