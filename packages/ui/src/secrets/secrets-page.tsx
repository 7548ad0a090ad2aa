import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import type { Secret } from '@taskyard/client/browser';
import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { EditButton } from '../shell/edit-button.tsx';
import { Listing } from '../shell/listing.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';

const yearMs = 365 * 24 * 3600 * 1000;
const begin = (): Secret => ({ secret: {}, expires: new Date(Date.now() + yearMs).toJSON() });

const NewSecret = () => {
  const router = useRouter();
  const save = async (secret: Secret, name: string) => {
    await (await api()).secrets.set(name, secret);
    await router.navigate({ href: paths.secret(name) });
  };
  return (
    <EditButton
      words="New secret"
      title="Keep a secret"
      label="Secret, and when it expires"
      nameLabel="Name"
      value={begin()}
      save={save}
    />
  );
};

/** `/secrets` */
export const SecretsPage = () => {
  const link = useLink();
  const secrets = useQuery({
    queryKey: ['secrets'],
    queryFn: async ({ signal }) => {
      const api_ = await api();
      return allPages(
        (continuationToken) => api_.secrets.list({ continuationToken, signal }),
        (page) => page.secrets,
      );
    },
  });
  return (
    <Page title="Secrets" actions={<NewSecret />}>
      <Answer query={secrets} what="secrets">
        {(names) => (
          <Listing
            what="a secret"
            columns={['Name']}
            nothing="There are no secrets."
            rows={names.map((name) => ({
              key: name,
              cells: [
                <Anchor key="name" {...link(paths.secret(name))}>
                  {name}
                </Anchor>,
              ],
            }))}
          />
        )}
      </Answer>
    </Page>
  );
};
