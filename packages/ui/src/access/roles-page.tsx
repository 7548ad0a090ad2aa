import { Anchor } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { api } from '../session/api.ts';
import { EditButton } from '../shell/edit-button.tsx';
import { Listing } from '../shell/listing.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { paths } from '../shell/paths.ts';
import { useLink } from '../shell/use-link.ts';
import { useRoles } from './queries.ts';

const NewRole = () => {
  const router = useRouter();
  return (
    <EditButton
      words="New role"
      title="Create a role"
      label="Role"
      nameLabel="Name"
      value={{ description: '', scopes: [] as string[] }}
      save={async (role, roleId) => {
        await (await api()).auth.createRole(roleId, role);
        await router.navigate({ href: paths.role(roleId) });
      }}
    />
  );
};

/** `/auth/roles` */
export const RolesPage = () => {
  const link = useLink();
  const roles = useRoles();
  return (
    <Page title="Roles" actions={<NewRole />}>
      <Answer query={roles} what="roles">
        {(all) => (
          <Listing
            what="a role"
            columns={['Role', 'Scopes', 'For']}
            nothing="There are no roles."
            rows={all.map(({ roleId, scopes, description }) => ({
              key: roleId,
              cells: [
                <Anchor key="id" {...link(paths.role(roleId))}>
                  {roleId}
                </Anchor>,
                scopes.length,
                description.split('\n')[0] ?? '',
              ],
            }))}
          />
        )}
      </Answer>
    </Page>
  );
};
