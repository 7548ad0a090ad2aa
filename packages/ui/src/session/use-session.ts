import { useSyncExternalStore } from 'react';
import { type Session, sessionStore } from './session.ts';

/** Who is signed in, as it changes. */
export const useSession = (): Session => useSyncExternalStore(sessionStore.subscribe, sessionStore.snapshot);
