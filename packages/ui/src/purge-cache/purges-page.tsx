import { Alert, Anchor, Button, Group, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { Listing } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page, Section } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { Remedy } from '../shell/remedy.tsx';
import { useLink } from '../shell/use-link.ts';

const PurgeForm = ({ onDone }: { onDone: () => void }) => {
  const [trouble, setTrouble] = useState<unknown>();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const field = (name: string) => String(fields.get(name) ?? '').trim();
    setTrouble(undefined);
    try {
      await (await api()).purgeCache.purgeCache(field('pool'), { cacheName: field('cache') });
      form.reset();
      onDone();
    } catch (error) {
      setTrouble(error);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Group align="flex-end" gap="xs">
        <TextInput name="pool" label="Worker pool" placeholder="aws/linux" required size="xs" />
        <TextInput name="cache" label="Cache" required size="xs" />
        <Button type="submit" size="xs">
          Purge
        </Button>
      </Group>
      {trouble !== undefined && (
        <Alert color="red" role="alert" mt="xs">
          <Remedy error={trouble} />
        </Alert>
      )}
    </form>
  );
};

/** `/purge-caches` */
export const PurgesPage = () => {
  const link = useLink();
  const purges = useQuery({
    queryKey: ['purges'],
    queryFn: async ({ signal }) => {
      const { purgeCache } = await api();
      return allPages(
        (continuationToken) => purgeCache.allPurgeRequests({ continuationToken, signal }),
        (page) => page.requests,
      );
    },
  });
  return (
    <Page title="Purges of caches">
      <Section title="Have workers throw away a cache before their next task">
        <PurgeForm onDone={() => void purges.refetch()} />
      </Section>
      <Section title="Wanted so far">
        <Answer query={purges} what="purges of caches">
          {(all) => (
            <Listing
              what="a purge"
              columns={['Worker pool', 'Cache', 'If older than']}
              nothing="No purge is wanted."
              rows={all.map(({ provisionerId, workerType, cacheName, before }) => ({
                key: `${provisionerId}/${workerType} ${cacheName}`,
                cells: [
                  <Anchor key="pool" {...link(paths.pool(`${provisionerId}/${workerType}`))}>
                    {provisionerId}/{workerType}
                  </Anchor>,
                  cacheName,
                  <Moment key="before" at={before} />,
                ],
              }))}
            />
          )}
        </Answer>
      </Section>
    </Page>
  );
};
