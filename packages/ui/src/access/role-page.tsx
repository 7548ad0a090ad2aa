import { useQuery } from '@tanstack/react-query';
import { useParams, useRouter } from '@tanstack/react-router';
import { api } from '../session/api.ts';
import { Confirmed } from '../shell/confirmed.tsx';
import { EditButton } from '../shell/edit-button.tsx';
import { Facts } from '../shell/listing.tsx';
import { Moment } from '../shell/moment.tsx';
import { Answer, Page } from '../shell/page.tsx';
import { Scopes } from './scopes.tsx';

/** `/auth/roles/<roleId>` */
export const RolePage = () => {
  const { roleId = '' } = useParams({ strict: false });
  const router = useRouter();
  const role = useQuery({
    queryKey: ['role', roleId],
    queryFn: async ({ signal }) => (await api()).auth.role(roleId, { signal }),
  });
  return (
    <Page
      kind="Role"
      title={roleId}
      actions={
        role.data && (
          <>
            <EditButton
              words="Edit"
              title="Change the role"
              label="Role"
              value={{ description: role.data.description, scopes: role.data.scopes }}
              save={async (edited) => {
                await (await api()).auth.updateRole(roleId, edited);
                await role.refetch();
              }}
            />
            <Confirmed
              label="Delete"
              question={`Delete the role ${roleId}? Whoever holds it loses what it gives at once.`}
              run={async () => {
                await (await api()).auth.deleteRole(roleId);
                await router.navigate({ href: '/auth/roles' });
              }}
              danger
            />
          </>
        )
      }
    >
      <Answer query={role} what="this role">
        {(known) => (
          <>
            <Facts
              facts={[
                ['For', known.description || 'not said'],
                ['Changed', <Moment key="changed" at={known.lastModified} />],
              ]}
            />
            <Scopes given={known.scopes} expanded={known.expandedScopes} />
          </>
        )}
      </Answer>
    </Page>
  );
};
