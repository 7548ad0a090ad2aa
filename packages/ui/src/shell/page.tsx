import { Box, Group, Loader, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { Failure } from './failure.tsx';

/** A page: what it is about, what can be done with it, and its content. */
export const Page = ({
  title,
  kind,
  actions,
  children,
}: {
  title: string;
  kind?: string;
  actions?: ReactNode;
  children: ReactNode;
}) => {
  useEffect(() => {
    document.title = `${title} · Taskyard`;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <Box style={{ minWidth: 0 }}>
          {kind && (
            <Text size="xs" c="dimmed" tt="uppercase">
              {kind}
            </Text>
          )}
          <Title order={1} size="h3" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
};

/** What a query answers, or how it goes with it. */
export function Answer<T>({
  query,
  what,
  children,
}: {
  query: UseQueryResult<T>;
  what: string;
  children: (answer: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failure error={query.error} what={what} />;
  return <Loader aria-label={`Loading ${what}`} size="sm" />;
}

/** A section with a heading. */
export const Section = ({
  title,
  children,
  aside,
}: {
  title: string;
  children: ReactNode;
  aside?: ReactNode;
}) => (
  <Stack gap="xs" component="section" aria-label={title}>
    <Group justify="space-between">
      <Title order={2} size="h5">
        {title}
      </Title>
      {aside}
    </Group>
    {children}
  </Stack>
);
