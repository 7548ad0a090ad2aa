/**
 * What a task asks for, an image or the content of a mount, cannot be had at the moment, which is no fault of that task. The
 * message says why.
 */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
