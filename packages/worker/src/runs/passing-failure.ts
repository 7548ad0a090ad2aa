// The queue or the store of an artifact's bytes cannot be reached, or the place where images come from.
const namesOfPassing = ['UploadError', 'ConnectionError', 'ImageUnavailable'];

/** Whether something failed that no task can help, and that may go well on another worker or later. */
export const isPassingFailure = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { statusCode } = error as { statusCode?: number };
  return namesOfPassing.includes(error.name) || (error.name === 'ApiError' && (statusCode ?? 0) >= 500);
};
