declare module 'unbzip2-stream' {
  /** A stream that takes what bzip2 compressed, and gives what it was. */
  const unbzip2: () => NodeJS.ReadWriteStream;
  export default unbzip2;
}
