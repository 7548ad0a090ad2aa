import { Anchor, Button, Code, Grid, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useRef } from 'react';
import { api } from '../session/api.ts';
import { Listing } from '../shell/listing.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { useClients, useRoles } from './queries.ts';
import { holdersOf } from './satisfying.ts';
import { ScopeList } from './scopes.tsx';

const Holders = ({ wanted }: { wanted: readonly string[] }) => {
  const link = useLink();
  const clients = useClients();
  const roles = useRoles();
  return (
    <>
      <Section title="Roles that grant all of it">
        <Answer query={roles} what="roles">
          {(all) => (
            <Listing
              what="a role"
              columns={['Role', 'For']}
              nothing="No role does."
              rows={holdersOf(all, wanted).map(({ roleId, description }) => ({
                key: roleId,
                cells: [
                  <Anchor key="id" {...link(paths.role(roleId))}>
                    {roleId}
                  </Anchor>,
                  description.split('\n')[0] ?? '',
                ],
              }))}
            />
          )}
        </Answer>
      </Section>
      <Section title="Clients that may do all of it">
        <Answer query={clients} what="clients">
          {(all) => (
            <Listing
              what="a client"
              columns={['Client', 'State']}
              nothing="No client may."
              rows={holdersOf(all, wanted).map(({ clientId, disabled }) => ({
                key: clientId,
                cells: [
                  <Anchor key="id" {...link(paths.client(clientId))}>
                    {clientId}
                  </Anchor>,
                  disabled ? 'disabled' : 'enabled',
                ],
              }))}
            />
          )}
        </Answer>
      </Section>
    </>
  );
};

const Expansion = ({ wanted }: { wanted: readonly string[] }) => {
  const expansion = useQuery({
    queryKey: ['expansion', wanted],
    queryFn: async ({ signal }) =>
      (await (await api()).auth.expandScopes({ scopes: [...wanted] }, { signal })).scopes,
  });
  return (
    <Section title="What it expands to">
      <Answer query={expansion} what="what it expands to">
        {(scopes) => <ScopeList scopes={scopes} />}
      </Answer>
    </Section>
  );
};

/** `/auth/scopes?q=…`: who may do something, and what scopes bring with them. */
export const InspectorPage = () => {
  const { q = '' } = useSearch({ strict: false }) as { q?: string };
  const navigate = useNavigate();
  const field = useRef<HTMLTextAreaElement>(null);
  const wanted = q.split('\n').filter(Boolean);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const lines = (field.current?.value ?? '').split('\n').map((line) => line.trim());
    void navigate({ to: '/auth/scopes', search: { q: lines.filter(Boolean).join('\n') } } as never);
  };
  return (
    <Page title="Scopes">
      <form onSubmit={submit}>
        <Stack gap="xs" align="flex-start" maw={640}>
          <Textarea
            ref={field}
            key={q}
            defaultValue={q}
            w="100%"
            autosize
            minRows={2}
            label="Scopes"
            description="One in each line. Your own client's and everybody's are on their pages."
          />
          <Button type="submit" size="xs">
            Inspect
          </Button>
        </Stack>
      </form>
      {wanted.length === 0 ? (
        <Text c="dimmed">
          For example <Code>assume:repo:github.com/example/*</Code> or <Code>queue:create-task:*</Code>.
        </Text>
      ) : (
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Stack>
              <Holders wanted={wanted} />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 6 }}>
            <Expansion wanted={wanted} />
          </Grid.Col>
        </Grid>
      )}
    </Page>
  );
};
