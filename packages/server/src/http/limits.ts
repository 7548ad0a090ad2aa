/** The request line and the headers of a request have at most this many bytes together. */
export const headerBytesMax = 256 * 1024;

/**
 * The scopes of temporary credentials, as JSON text. Callers send them with every request: in base64 in a header, and in
 * base64 twice in a URL. Credentials with so many scopes still fit, with room for the rest of the headers.
 */
export const scopesBytesMax = 128 * 1024;
