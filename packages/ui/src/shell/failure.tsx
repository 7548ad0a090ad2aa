import { Alert, Button, Stack } from '@mantine/core';
import { ApiError } from '@taskyard/client/browser';
import { useSession } from '../session/use-session.ts';
import { useSignInLink } from '../session/use-sign-in-link.ts';
import { Remedy } from './remedy.tsx';

/** Shows what went wrong, and what can be done about it. */
export const Failure = ({ error, what }: { error: unknown; what: string }) => {
  const session = useSession();
  const signInLink = useSignInLink();
  const status = error instanceof ApiError ? error.statusCode : 0;
  const isDenied = status === 403 || status === 401;
  return (
    <Alert
      color="red"
      role="alert"
      title={
        isDenied
          ? `You may not see ${what}`
          : `${what.slice(0, 1).toUpperCase()}${what.slice(1)} cannot be shown`
      }
    >
      <Stack gap="xs" align="flex-start">
        <Remedy error={error} />
        {isDenied && session.kind === 'nobody' && (
          <Button component="a" size="xs" {...signInLink}>
            Sign in
          </Button>
        )}
      </Stack>
    </Alert>
  );
};
