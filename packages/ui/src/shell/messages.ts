import { ApiError } from '@taskyard/client/browser';
import { fewest, leastMissing, type Required } from '../access/satisfying.ts';

/** What to tell people of an error, in words. */
export const messageOf = (error: unknown): string => {
  if (error instanceof ApiError) return error.message.split('\n---')[0]?.trim() ?? error.message;
  return error instanceof Error ? error.message : String(error);
};

const required = (message: string): Required | undefined => {
  try {
    return JSON.parse(/needs the scopes:\s+([\s\S]+)$/.exec(message)?.[1] ?? '') as Required;
  } catch {
    return undefined;
  }
};

/** The fewest scopes without which the user was refused; none when that was for another reason. */
export const missingScopes = (error: unknown): string[] => {
  const message = messageOf(error);
  const listed = [...message.matchAll(/^ {2}\* (.+)$/gm)].map(([, scope = '']) => scope);
  const expression = required(message);
  return expression ? leastMissing(expression, listed) : fewest(listed);
};
