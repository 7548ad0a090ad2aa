import '@mantine/core/styles.css';
import './shell/app.css';
import { Anchor, type CSSVariablesResolver, createTheme, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { router } from './router.tsx';
import { type Session, sessionStore } from './session/session.ts';

// Calls are repeated by the client already, where that helps.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 2000 } } });

const whoIs = (session: Session): string => ('clientId' in session ? session.clientId : session.kind);

// What another user may see is another answer. For a person who comes back, what was refused meanwhile is read again.
let before = sessionStore.snapshot();
sessionStore.subscribe(() => {
  const now = sessionStore.snapshot();
  if (before.kind !== 'unknown' && whoIs(before) !== whoIs(now)) void queries.resetQueries();
  else if (before.kind === 'ended') void queries.invalidateQueries();
  before = now;
});

const theme = createTheme({
  respectReducedMotion: true,
  primaryShade: { light: 8, dark: 8 },
  cursorType: 'pointer',
  components: {
    // As large as the words around it, which are smaller in tables.
    Anchor: Anchor.extend({ vars: (_, { size }) => ({ root: size ? {} : { '--text-fz': '1em' } }) }),
  },
});

// Pale words are hard to read for many: these have the contrast that WCAG asks for.
const contrast: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-anchor': '#1864ab',
    '--mantine-color-dimmed': '#5a6470',
    '--mantine-color-placeholder': '#68727d',
    '--mantine-color-error': '#b3261e',
  },
  dark: {
    '--mantine-color-anchor': '#7ec0fb',
    '--mantine-color-dimmed': '#a9b0b8',
    '--mantine-color-placeholder': '#98a1aa',
  },
});

const place = document.getElementById('root');
if (place) {
  createRoot(place).render(
    <MantineProvider theme={theme} defaultColorScheme="auto" cssVariablesResolver={contrast}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}
