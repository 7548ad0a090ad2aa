/**
 * A name with slashes as the rest of a URL's path. Its slashes stay, so that people can read it, unless one of its parts is
 * `.` or `..`: clients take these for steps and remove them, encoded or not (RFC 3986, 5.2.4).
 */
export const inPath = (name: string): string => {
  const parts = name.split('/');
  const hasSteps = parts.some((part) => part === '.' || part === '..');
  return hasSteps ? encodeURIComponent(name) : parts.map(encodeURIComponent).join('/');
};
