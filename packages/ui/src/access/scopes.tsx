import { Code, Group, Stack, Text } from '@mantine/core';
import { Section } from '../shell/page.tsx';

/** Scopes, sorted. */
export const ScopeList = ({ scopes }: { scopes: readonly string[] }) => {
  if (scopes.length === 0) return <Text c="dimmed">None.</Text>;
  return (
    <Stack gap={2}>
      {[...scopes].sort().map((scope) => (
        <Code key={scope} style={{ overflowWrap: 'anywhere' }}>
          {scope}
        </Code>
      ))}
    </Stack>
  );
};

/** The scopes that the user was given, and what roles make of them. */
export const Scopes = ({ given, expanded }: { given: readonly string[]; expanded: readonly string[] }) => (
  <Group align="flex-start" grow preventGrowOverflow={false} gap="lg">
    <Section title={`Given (${given.length})`}>
      <ScopeList scopes={given} />
    </Section>
    <Section title={`With what roles add (${expanded.length})`}>
      <ScopeList scopes={expanded} />
    </Section>
  </Group>
);
