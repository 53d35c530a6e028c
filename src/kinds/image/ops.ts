/** The operations on a template or an ISO, each on one server: plain data that a plan file can hold. */
import type { Ref } from '../../core/ref.ts';

interface Base {
  /** `POOL/template/debian`. */
  readonly image: Ref<'image'>;
  readonly server: string;
  readonly farm: string;
  readonly name: string;
  readonly what: 'template' | 'iso';
  /** Null: the server's own folder. */
  readonly repository: string | null;
  readonly folder: string;
  readonly path: string;
}

export type ImageOp =
  /** Fetch or upload it beside its name, go on where an earlier try broke off, and give it its name once its sha256 is right. */
  | (Base & {
      readonly verb: 'fetch-image';
      readonly source: string;
      readonly sha256: string | null;
      /** KiB; null: its server tells it when it is fetched, or nobody. */
      readonly size: number | null;
    })
  /** Remove it; disks that were made from it have bytes of their own. */
  | (Base & { readonly verb: 'remove-image' });
