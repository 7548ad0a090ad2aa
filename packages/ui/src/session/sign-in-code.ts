/**
 * The code behind the hash of `/sign-in`, taken out of the address before the router reads it: no one finds it in the
 * history, and no page is shown twice because its address changes while it signs in.
 */
const taken = (): string => {
  const { pathname, search, hash } = window.location;
  if (pathname !== '/sign-in' || hash.length < 2) return '';
  window.history.replaceState(null, '', pathname + search);
  return hash.slice(1);
};

let code = taken();

/** The code to sign in with, if there is one. It works once, so it is given once. */
export const takeCode = (): string => {
  const given = code;
  code = '';
  return given;
};
