/** The files that configuration is read from, as a port: real ones in `node-io.ts`, maps in tests. */

export type Found =
  | { readonly is: 'file'; readonly size: number }
  /** The names in it, unsorted, without their path. */
  | { readonly is: 'folder'; readonly names: readonly string[] }
  | { readonly is: 'missing' }
  /** It is there and cannot be looked at; `why` in a few words. */
  | { readonly is: 'failed'; readonly why: string };

export interface ConfigIo {
  look(path: string): Promise<Found>;
  /** The bytes of a file; why not, where it cannot be read. */
  read(path: string): Promise<Uint8Array | { readonly failed: string }>;
}
