/** Where the system's programs are. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** All of this process's environment that programs get which work for it: what else they would heed is not theirs. */
export const programEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? systemPath,
  LC_ALL: 'C',
});
