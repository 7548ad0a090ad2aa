// The codes of errors as the client knows them, from the server's table.
import { header } from './client-files.mjs';

/** The client's table of codes, each with its HTTP status, and their type. */
export const errorCodesFile = (statuses) => ({
  name: 'error-codes.ts',
  text: `${header}
/** The codes with which the server refuses a call, each with the HTTP status of the reply. */
export const errorStatuses = {
${Object.entries(statuses)
  .map(([code, status]) => `  ${code}: ${status},`)
  .join('\n')}
} as const;

export type ErrorCode = keyof typeof errorStatuses;
`,
});
