/** The largest size of request line and headers together, in bytes. */
export const headerBytesMax = 256 * 1024;

/**
 * The largest size of the scopes of temporary credentials, as JSON text. Callers send them with every request: in base64
 * in a header, or in double base64 in a URL. At this size there is still room for the rest of the headers.
 */
export const scopesBytesMax = 128 * 1024;
