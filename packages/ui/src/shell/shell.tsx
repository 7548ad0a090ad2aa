import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Group,
  Menu,
  Modal,
  NavLink,
  Table,
  Text,
  TextInput,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Outlet, useRouter, useRouterState } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef } from 'react';
import { currentSession, signOut } from '../session/session.ts';
import { useSession } from '../session/use-session.ts';
import { signInBeside, useSignInLink } from '../session/use-sign-in-link.ts';
import { paths } from './paths.ts';
import { knownShortcuts, useShortcuts } from './shortcuts.ts';
import { useLink } from './use-link.ts';

const places = [
  { href: '/', label: 'Home', keys: 'g h' },
  { href: '/queues', label: 'Task queues', keys: 'g q' },
  { href: '/worker-manager', label: 'Worker pools', keys: 'g p' },
  { href: '/tasks/index/', label: 'Index', keys: 'g i' },
  { href: '/hooks', label: 'Hooks', keys: 'g k' },
  { href: '/auth/clients', label: 'Clients', keys: 'g c' },
  { href: '/auth/roles', label: 'Roles', keys: 'g r' },
  { href: '/auth/scopes', label: 'Scopes', keys: 'g o' },
  { href: '/secrets', label: 'Secrets', keys: 'g s' },
  { href: '/purge-caches', label: 'Purges of caches', keys: 'g u' },
  { href: '/events', label: 'Messages', keys: 'g m' },
];

const slugid = /[A-Za-z0-9_-]{22}/;

/** Where what the user typed or pasted leads: ids and addresses of tasks and groups, and paths of the index. */
export const placeOf = (text: string): string | undefined => {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const [group] = /(?<=groups\/)[A-Za-z0-9_-]{22}/.exec(trimmed) ?? [];
  if (group) return paths.group(group);
  const [task] = slugid.exec(trimmed) ?? [];
  if (task && (trimmed === task || trimmed.includes('/'))) return paths.task(task);
  return paths.index(trimmed);
};

const Places = ({ onGo }: { onGo: () => void }) => {
  const link = useLink();
  const here = useRouterState({ select: ({ location }) => location.pathname });
  return places.map(({ href, label }) => {
    const { onClick } = link(href);
    return (
      <NavLink
        key={href}
        href={href}
        label={label}
        active={href === '/' ? here === '/' : here.startsWith(href)}
        onClick={(event) => {
          onClick(event);
          onGo();
        }}
      />
    );
  });
};

const User = () => {
  const session = useSession();
  const link = useLink();
  const signInLink = useSignInLink();
  if (session.kind === 'unknown') return null;
  if (session.kind === 'nobody') {
    return (
      <Button component="a" size="xs" {...signInLink}>
        Sign in
      </Button>
    );
  }
  if (session.kind === 'ended') {
    return (
      <Button component="a" size="xs" {...signInBeside}>
        Sign in again
      </Button>
    );
  }
  return (
    <Menu>
      <Menu.Target>
        <Button variant="default" size="xs" maw={180} title={session.clientId}>
          <Text size="xs" truncate>
            {session.clientId.split('/').at(-1)}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.clientId}</Menu.Label>
        <Menu.Item component="a" {...link(paths.client(session.clientId))}>
          Your client
        </Menu.Item>
        <Menu.Item onClick={() => void signOut()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
};

const SchemeButton = () => {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon variant="default" aria-label={`Use ${other} colours`} onClick={() => setColorScheme(other)}>
      {scheme === 'dark' ? '☀' : '☾'}
    </ActionIcon>
  );
};

const KeysHelp = ({ opened, close }: { opened: boolean; close: () => void }) => (
  <Modal opened={opened} onClose={close} title="Keys">
    <Table>
      <Table.Tbody>
        {knownShortcuts().map(({ keys, does }) => (
          <Table.Tr key={keys + does}>
            <Table.Td>
              <kbd>{keys}</kbd>
            </Table.Td>
            <Table.Td>{does}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Modal>
);

/** What stands around every page. */
export const Shell = () => {
  const router = useRouter();
  const search = useRef<HTMLInputElement>(null);
  const [isOpen, menu] = useDisclosure(false);
  const [isHelping, help] = useDisclosure(false);
  const go = (href: string) => void router.navigate({ href });
  const pathname = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => {
    // With a code in the address there is no session yet, but there will be one.
    if (pathname !== '/sign-in') void currentSession();
  }, [pathname]);
  useShortcuts([
    ...places.map(({ href, label, keys }) => ({ keys, does: `go to: ${label}`, run: () => go(href) })),
    { keys: '/', does: 'find a task or group', run: () => search.current?.focus() },
    { keys: '?', does: 'show these keys', run: help.open },
  ]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const place = placeOf(search.current?.value ?? '');
    if (place) go(place);
  };
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
      transitionDuration={0}
    >
      <AppShell.Header>
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <Group h="100%" px="sm" gap="sm" wrap="nowrap">
          <Burger opened={isOpen} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
          <Text fw={700} visibleFrom="sm">
            Taskyard
          </Text>
          <form onSubmit={submit} style={{ flex: 1, maxWidth: 460 }}>
            <TextInput
              ref={search}
              size="xs"
              aria-label="Find a task, a group or a path of the index"
              placeholder="Task, group or index path ( / )"
            />
          </form>
          <Group gap="xs" wrap="nowrap" ml="auto">
            <ActionIcon variant="default" aria-label="Show the keys" onClick={help.open} visibleFrom="sm">
              ?
            </ActionIcon>
            <SchemeButton />
            <User />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <Places onGo={menu.close} />
        <NavLink href="/docs/" label="Documents" />
      </AppShell.Navbar>
      <AppShell.Main id="main">
        <Outlet />
      </AppShell.Main>
      <KeysHelp opened={isHelping} close={help.close} />
    </AppShell>
  );
};
