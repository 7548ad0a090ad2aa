import { Anchor, Button, Code, Stack, Text } from '@mantine/core';
import { useRoles } from '../access/queries.ts';
import { holdersOf } from '../access/satisfying.ts';
import { SessionEnded } from '../session/session.ts';
import { useSession } from '../session/use-session.ts';
import { signInBeside } from '../session/use-sign-in-link.ts';
import { messageOf, missingScopes } from './messages.ts';
import { paths } from './paths.ts';
import { useLink } from './use-link.ts';

const rolesShownMax = 3;

/** What went wrong; where scopes are missing, the fewest that would do, and roles that grant them. */
export const Remedy = ({ error }: { error: unknown }) => {
  const missing = missingScopes(error);
  const roles = useRoles(missing.length > 0);
  const link = useLink();
  const session = useSession();
  if (error instanceof SessionEnded) {
    return (
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {session.kind === 'somebody' ? 'You are signed in again: go on.' : messageOf(error)}
        </Text>
        {session.kind === 'ended' && (
          <Button component="a" size="xs" {...signInBeside}>
            Sign in beside
          </Button>
        )}
      </Stack>
    );
  }
  if (missing.length === 0) {
    return (
      <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
        {messageOf(error)}
      </Text>
    );
  }
  const granting = holdersOf(roles.data ?? [], missing).slice(0, rolesShownMax);
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm">Missing: whoever may change clients and roles can give you</Text>
      {missing.map((scope) => (
        <Code key={scope} style={{ overflowWrap: 'anywhere' }}>
          {scope}
        </Code>
      ))}
      {granting.length > 0 && (
        <Text size="sm">
          {granting.length === 1 ? 'This role grants it: ' : 'Each of these roles grants it: '}
          {granting.map(({ roleId }, i) => (
            <span key={roleId}>
              {i > 0 && ', '}
              <Anchor {...link(paths.role(roleId))}>{roleId}</Anchor>
            </span>
          ))}
        </Text>
      )}
      {roles.data && granting.length === 0 && <Text size="sm">No role grants it.</Text>}
      <Anchor size="sm" {...link(paths.scopes(missing))}>
        Who may do this
      </Anchor>
    </Stack>
  );
};
