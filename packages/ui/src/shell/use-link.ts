import { useRouter } from '@tanstack/react-router';
import type { MouseEvent } from 'react';

/** Properties of a link to another page of ours: it opens without loading everything again. */
export const useLink = () => {
  const router = useRouter();
  return (href: string) => ({
    href,
    onClick: (event: MouseEvent) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
        return;
      event.preventDefault();
      void router.navigate({ href });
    },
  });
};
