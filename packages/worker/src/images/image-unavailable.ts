/** An image cannot be had at the moment, which is no fault of the task that wants it. The message is the daemon's own. */
export class ImageUnavailable extends Error {
  override readonly name = 'ImageUnavailable';
}
