/** The addresses that pages live at: these, and what follows a `*`. */
export const pagePaths = [
  '/',
  '/sign-in',
  '/sign-in/command-line',
  '/tasks/*',
  '/queues',
  '/queues/*',
  '/worker-manager',
  '/worker-manager/*',
  '/auth/*',
  '/hooks',
  '/hooks/*',
  '/secrets',
  '/secrets/*',
  '/purge-caches',
  '/events',
] as const;
