import { Alert, Button, Stack } from '@mantine/core';
import { ApiError } from '@taskyard/client/browser';
import { useSession } from '../session/use-session.ts';
import { Remedy } from './remedy.tsx';
import { useLink } from './use-link.ts';

/** Shows what went wrong, and what can be done about it. */
export const Failure = ({ error, what }: { error: unknown; what: string }) => {
  const session = useSession();
  const link = useLink();
  const status = error instanceof ApiError ? error.statusCode : 0;
  const isDenied = status === 403 || status === 401;
  return (
    <Alert color="red" role="alert" title={isDenied ? `You may not see ${what}` : `${what} cannot be shown`}>
      <Stack gap="xs" align="flex-start">
        <Remedy error={error} />
        {isDenied && session.kind !== 'somebody' && (
          <Button
            component="a"
            size="xs"
            {...link(`/sign-in?next=${encodeURIComponent(window.location.pathname)}`)}
          >
            Sign in
          </Button>
        )}
      </Stack>
    </Alert>
  );
};
