declare module 'unbzip2-stream' {
  /** A stream that decompresses bzip2. */
  const unbzip2: () => NodeJS.ReadWriteStream;
  export default unbzip2;
}
